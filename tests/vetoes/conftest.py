"""A panel of its own for each test."""

from muntin.testing.fresh import admin, app, panel, panel_configuration, people, stranger, user

__all__ = ["admin", "app", "panel", "panel_configuration", "people", "stranger", "user"]
