"""How a client of the shop calls it; the operations themselves are generated from the API's document.

| module | job |
|---|---|
| `requests` | one request, and which one may be sent again |
| `problems` | what goes wrong, as errors |
| `retries` | whether to send again, and after how long |
| `sessions` | tokens, a guest's cart, and how tokens are renewed |
| `exchanges` | a request until it has an answer, without doing I/O |
| `pages` | lists, item by item |
| `callers` | the I/O for all that, blocking and asynchronous |

Nothing here imports what is generated, so that it is checked and tested by itself.
"""
