"""Servers that move to another node: sent from here as an archive, or received here. Either survives `kill -9`."""
