"""Roles: what accounts may do everywhere."""
