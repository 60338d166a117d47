"""The layer of the Python client that is written by hand, without network and without waiting."""
