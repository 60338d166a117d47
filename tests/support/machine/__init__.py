"""What the order machine stands on: its rules, its world, an auditor of every commit, and what must add up."""
