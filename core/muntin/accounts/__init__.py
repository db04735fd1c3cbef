"""Accounts: who people are, how they sign in, and what their programs sign in with."""
