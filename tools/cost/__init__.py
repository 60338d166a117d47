"""What a stage costs in a month, from what was measured, what is assumed, and a dated list of prices: docs/cost.md.

| file | job |
|---|---|
| `__main__.py` | the command: `make cost LOAD=3000/day` |
| `load.py` | how many interactions there are in a month |
| `prices.py` | what an amount of something costs, by the list in `prices.toml` |
| `units.py` | what a request takes, measured by `make cost-units` into `units.toml`, and what `mix.toml` assumes |
| `functions.py` | how long functions take, with their memory |
| `standing.py` | what is paid whether anybody comes or not, read off the stage's templates |
| `traffic.py` | what is paid for what comes, and for what runs on schedule |
| `bill.py` | both, as lines that add up |
| `option_prices.py` | what each option of a stage adds to it |
| `tables.py` | what docs/cost.md repeats |
| `scaling.py` | a day with a flash sale against DynamoDB's auto-scaling |
| `scaling_picture.py` | that day, drawn |
"""
