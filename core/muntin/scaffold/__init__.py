"""`muntin plugin new`: a complete plugin to start from."""

from muntin.scaffold.writing import Refused, Written, write_plugin

__all__ = ["Refused", "Written", "write_plugin"]
