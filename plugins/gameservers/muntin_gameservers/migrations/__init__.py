"""The history of the game servers' tables."""
