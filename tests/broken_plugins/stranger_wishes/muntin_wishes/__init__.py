"""Birthday wishes on a page."""
