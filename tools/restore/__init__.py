"""Going back: a stage's table as it was, from point-in-time recovery or from an export, and the shop moved to it.

    make close STAGE=prod                                  # nothing is sold, and nothing runs by itself
    make restore STAGE=prod AT=2026-11-28T01:30:00Z SWITCH=1
    make open STAGE=prod

Every step asks AWS how far it has come, so each command may be interrupted and repeated. The drawback: nobody can buy
or look meanwhile (docs/adr/0052-restoring-into-a-new-table.md). docs/restoring.md is the page for the night itself.

| file | job |
|---|---|
| `__main__.py` | the commands: restore, backup, close, open |
| `steps.py` | the order of a restore |
| `tables.py` | the new table, and what no restore sets on it |
| `archives.py` | exports to S3, and tables from them |
| `gate.py` | closes and opens the shop |
| `inventory.py` | what is deployed of the stage |
| `switch.py` | points the stage at a table, and tells what still stands at another |
| `messages.py` | hears once more what the payment provider told |
| `losses.py` | what the table before has and the restored one has not |
| `progress.py` | waiting for AWS |
"""
