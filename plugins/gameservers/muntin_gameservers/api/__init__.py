"""The native routes of game servers."""
