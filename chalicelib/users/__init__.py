"""People: who they are, what they may be called, and how they prove it."""
