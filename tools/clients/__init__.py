"""Clients of the API, made from its document: `python -m tools.clients`, or `make clients`.

What a document cannot say (refreshing tokens, repeating safely, problems as errors, pages as iteration) is written by
hand in `clients/`, and goes beside what is generated into one package for each language. Neither is checked in.

| file | job |
|---|---|
| `__main__.py` | the command |
| `python.py` | the Python package |
| `typescript.py` | the npm package |
| `sources.py` | what they are made of, and a name for that |
"""
