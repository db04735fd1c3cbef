"""Webhooks as their owners and administrators make and change them."""
