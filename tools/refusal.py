"""How an operator's tool says no: one sentence, and an exit code that is not 0."""


class Refusal(Exception):
    """Why the shop cannot run here, in one sentence for the person at the terminal."""
