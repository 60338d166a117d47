"""A stage by `chalice deploy`, as whole as by SAM where Chalice allows it.

| file | job |
|---|---|
| `found.py` | what of the stage is in the account, in the form in which Chalice remembers it |
| `additions.py` | what the calls that Chalice makes anyway say more |
| `settled.py` | what no call of Chalice's can say, afterwards |
| `removal.py` | all of it away again |

Nothing here remembers anything: each run looks at the account, so one that broke off is mended by the next.
"""
