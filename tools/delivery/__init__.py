"""What continuous delivery says to people: plans on pull requests, notes of a release, and how a deployment ended.

What it does to AWS is done by the same commands that people use: `tools/release`, `tools/stages`.

| file | job |
|---|---|
| `__main__.py` | the commands |
| `comment.py` | a plan as a comment on a pull request, one for each stage, kept up to date |
| `notes.py` | what went to a stage since the last time, as a release of the repository |
| `notify.py` | a message to a webhook when a deployment ends |
| `forge.py` | GitHub, by its own client `gh`, and the repository's history |
"""
