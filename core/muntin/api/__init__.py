"""The native API `/api/v1`: the first dialect."""
