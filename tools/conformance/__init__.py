"""Does the shop keep to its document? `make fuzz-api`: requests made from the document, in tens of thousands.

schemathesis makes them: what the document allows and what it forbids, at its edges and at random, and chains along its
links; it judges each answer by all of its checks. They go to a shop of the run's own, in processes on loopback with
data that goes afterwards, as nobody, as a customer and as an admin. The same seed sends the same.

| file | job |
|---|---|
| `__main__.py` | the command |
| `own_shop.py` | a shop that is opened for a run |
| `launch.py` | what opens it: `make run` with passwords that are quickly hashed |
| `principals.py` | who asks, with accounts that are made anew when they are gone |
| `document.py` | the document as schemathesis takes it |
| `settings.toml` | what is checked and what is not, with reasons |
| `formats.py` | texts of the formats that the document names |
| `sense.py` | what of a request JSON Schema cannot say |
| `run.py` | the run: sends, counts and collects what was found |
"""
