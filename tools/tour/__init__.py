"""A guided tour of the open shop: every route, what it gives and how it refuses: `make tour`.

The tour is told in chapters, each a small story by domain. A guide sends the requests, prints what was sent and what
came, and stops at the first answer that is not as expected. Who visits has accounts of their own, and what was made
for the tour is taken away again, so it may be repeated; orders stay, cancelled and without a buyer.

| file | job |
|---|---|
| `__main__.py` | the command |
| `guide.py` | sends, judges, counts and tidies up |
| `party.py` | who takes part, and what they share |
| `printing.py` | requests and answers in a line each, without secrets |
| `examples.py` | what was sent and got, as examples in the API's document |
| `surroundings.py` | what is around the shop: outbox, bank, storage |
| `chapters/` | the stories |
"""
