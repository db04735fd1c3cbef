"""A private diary for every account."""
