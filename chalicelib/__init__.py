"""The shop behind app.py: shared rooms at this level, one package per domain below."""
