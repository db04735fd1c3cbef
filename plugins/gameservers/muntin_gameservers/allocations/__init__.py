"""Addresses and ports of nodes, and which server has them."""
