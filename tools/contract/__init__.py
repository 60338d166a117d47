"""The contract of the API as documents, made from the code that serves it: `python -m tools.contract`.

| module | job |
|---|---|
| `routes` | what app.py declares and docs/api.md says of each route |
| `shapes` | JSON Schema of what routes take and give |
| `refusals` | which problem codes each route may answer |
| `operations` | one operation of OpenAPI for each route |
| `examples` | what a shop has taken and given, as a tour wrote it into `examples.json` |
| `links` | which operation goes on from what another has given |
| `rules` | what bodies must keep to beside the types of their fields |
| `prose` | what docstrings and pages say, as a caller reads it |
| `problem_schema` | problem documents |
| `webhooks` | what the shop sends to those who registered for it |
| `openapi` | the whole document |
| `asyncapi` | the events, as a document of their own |
| `__main__` | writes both documents |
| `lint` | has both judged by validators and linters |
"""
