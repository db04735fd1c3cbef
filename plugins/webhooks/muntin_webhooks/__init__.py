"""Webhooks: who asked for it learns what happened, signed, numbered per resource, at least once."""
