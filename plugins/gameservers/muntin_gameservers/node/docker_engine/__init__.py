"""The Docker engine behind a few typed, asynchronous calls."""
