"""muntin: a hosting panel made of plugins."""

__version__ = "0.1.0"
