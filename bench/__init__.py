"""Measurements; each is run by hand against a shop on this machine and compares within one run."""
