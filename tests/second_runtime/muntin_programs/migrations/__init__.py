"""The history of the programs' tables."""
