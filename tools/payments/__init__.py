"""The payment provider of the local shop, a service of its own: `python -m tools.payments.simulator`.

It behaves as `chalicelib.payments.simulator.behaviour` says, keeps its own books, and sends signed webhooks. An
administrator's calls under `/_simulator/` make it fail, let a buyer act, and show the books.

| file | job |
|---|---|
| `simulator.py` | the command, and a service to start in a test |
| `server.py` | HTTP: requests to calls, and faults to silence |
| `calls.py` | what each address does |
| `faults.py` | which of the next calls go wrong, and how |
| `ledger.py` | the books, in SQLite |
| `webhooks.py` | sends, repeats, holds back and reorders the messages |
"""
