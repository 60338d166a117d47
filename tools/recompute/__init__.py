"""What the stream keeps up to date beside the products, recomputed from them: `python -m tools.recompute [--check]`.

Each recomputation looks over everything, waits a moment, and looks again, one by one, at what was not as it should be:
a change that the stream was just about to follow is no damage. It repairs through the same conditions as the stream,
so the shop goes on meanwhile, two of these at once do no harm, and whatever an interrupted one has done stays right.

The drawback: words, notes of products that are gone, older incidents and refunds stand in no list. They are found by
reading the whole table: five times, for the products, the words, the notes, the incidents and the refunds, and twice
more for numbers that change all the while.

Another recomputation is one more function in the list of `__main__.py`.

| file | job |
|---|---|
| `__main__.py` | the command, and the list of the recomputations |
| `run.py` | what the recomputations share: the products, progress, the second look, the report |
| `stock.py` | the stock that lists show |
| `index.py` | the words by which products are found, and the note of each product |
| `categories.py` | the numbers of the categories |
| `history.py` | the steps of orders in their buyers' histories |
| `incidents.py` | the list of incidents, from before there was one |
| `refunds.py` | the refunds of each day, from before reports looked for them there |
"""
