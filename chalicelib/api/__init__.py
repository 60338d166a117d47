"""Requests and answers over HTTP: the same for every domain, and knowing none."""
