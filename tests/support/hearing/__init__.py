"""Hears what the operators' tools, and the smoke test, ask of AWS, in whatever process they run.

| file | job |
|---|---|
| `sitecustomize.py` | Python loads it in every process whose PYTHONPATH leads here: writes calls into a file |
| `heard.py` | what was written, in the words of IAM |
| `unheard.py` | what no test hears, in the same words |
| `named.py` | the calls that the tools' code names, heard or not |
"""
