"""Strange HTTP for the local shop, by the byte: `make fuzz-http`, while `make run` has the shop open.

Requests that the shop would take are made strange in one way or several, over sockets of its own, since no client
would send them. Whatever comes, the shop answers with a problem document or not at all: it does not fail, hang,
tell of its inside, or see two requests where one was sent. It says which were taken as well: how deep the others got.

| file | job |
|---|---|
| `__main__.py` | the command |
| `world.py` | who asks, and what there is to ask for |
| `samples.py` | what each route would take |
| `drafts.py` | a request that can still be changed |
| `oddities.py` | strange texts and strange JSON |
| `mutations.py` | the ways to make a request strange |
| `framing.py` | those that are about where a request ends |
| `cases.py` | the requests of a run, the same for a seed and a number |
| `wire.py` | sends bytes and reads answers, bounded |
| `verdict.py` | what is wrong with an answer |
| `run.py` | all of it, by several at once |
"""
