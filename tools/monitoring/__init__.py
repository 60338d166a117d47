"""What watches a deployed stage: alarms, a dashboard, saved queries and the API's access log, as plain values.

They say what is watched and not how AWS is told, so that a template of CloudFormation is made of them and another
form can be. A text in them may hold `${Stage}`, or `${APIHandler}` for the name of that function on AWS.

| file | job |
|---|---|
| `metrics.py` | what a metric, and what is computed of several, is |
| `functions.py` | the stage's functions, and how often the scheduled ones run |
| `alarm.py` | what an alarm is |
| `alarms.py` | all of them |
| `function_alarms.py` | those that each function has |
| `evaluation.py` | what CloudWatch makes of an alarm and the values of its metrics |
| `maths.py` | the part of CloudWatch's metric maths that the alarms are written in |
| `dashboard.py` | the dashboard's widgets, and where they stand |
| `queries.py` | the saved queries of the log |
| `access_log.py` | what the API writes down of each request |
| `template.py` | all of it as resources of CloudFormation |
| `pages.py` | the table of alarms in docs/operations.md |
| `draw.py` | the dashboard as a picture: `python -m tools.monitoring.draw prod dashboard.svg` |
"""
