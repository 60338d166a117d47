"""The catalogue as a file: `python -m tools.catalogue import FILE` and `export FILE`.

An import reads the file record by record, holds each to the rules of `POST /products`, compares the good ones with
the table and writes only what differs. A product's id follows from its SKU, so a repeat meets the same keys: it may be
killed at any moment and run again. The drawback: every line costs a read of three items, changed or not.

| file | job |
|---|---|
| `__main__.py` | the commands |
| `files.py` | the formats, and JSON Lines |
| `sheets.py` | CSV, and what spreadsheets make of it |
| `records.py` | what a file says, with the lines that it takes |
| `lines.py` | a record of a file as a valid product, or what is wrong with it |
| `reconcile.py` | what has to be written for a line, given what is in the table |
| `importer.py` | reads a file into the table |
| `exporter.py` | the table's products as records |
"""
