"""The whole shop on one machine, bound to loopback: `make run`.

The launcher starts a local AWS and a payment service, creates the resources from `infra/template.yaml`, seeds a demo
shop, delivers the table's stream and the schedule to the handlers, and serves the API through
`chalice local`. The drawback: nothing checks permissions here; that is proven in the tests.

| file | job |
|---|---|
| `__main__.py` | the commands: run, cloud, status |
| `settings.py` | ports, paths and the environment |
| `processes.py` | finds, starts and stops the processes beside the launcher |
| `cloud.py` | the local AWS as one of them |
| `payments.py` | the payment service as the other |
| `emulator.py` | the local AWS itself, a process of its own that saves its state |
| `saved.py` | the files of that state, looked at before it starts |
| `stacks.py` | makes stacks of CloudFormation and brings them up to date |
| `deployed.py` | puts a packaged stage on the local AWS |
| `resources.py` | the resources, from the template |
| `seed.py` | two accounts and a small catalogue for a new shop |
| `rotate.py` | the command that rotates the signing key |
| `shop.py` | loads the app, answers HTTP, runs the background work |
| `gateway.py` | what API Gateway does in front of the app |
| `beside.py` | what the page /docs loads, which no function gives out |
| `heads.py` | a request's line and headers, in one reading |
| `encodings.py` | bodies that are packed on their way |
| `problems.py` | the gateway's own answers |
| `functions.py` | what the Lambda service does around a function |
| `filters.py` | which records the deployed trigger hands on |
| `delivery.py` | what an event source mapping does with a batch |
| `stream.py` | reads the table's stream and remembers the position |
| `checkpoint.py` | the position, kept over a restart |
| `schedule.py` | calls the scheduled functions |
"""
