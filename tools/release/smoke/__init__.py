"""The deep smoke test: a customer's whole way through a shop that is deployed, leaving nothing behind.

An account of its own registers, logs in, fills a cart, buys, and cancels; stock, money and mail are looked at on the
way; then the account is erased. It runs as CodeDeploy's hook, a Lambda function of its own, against the versions that
no customer has met yet, and over HTTP as `make smoke`. This folder is all that the function holds: it needs the
standard library and the runtime's boto3 alone.

Where a card is declined because the shop takes real money, the order must end as cancelled with the stock back. What
cannot be judged, because others buy the same or nothing is for sale, is told as a note and is no failure.

| file | job |
|---|---|
| `ways.py` | the shop over HTTP, and its new versions as API Gateway would call them |
| `journey.py` | the customer's way |
| `hook.py` | the Lambda function |
"""
