"""Tests that come ready-made: importing a class into a test module is enough to run them on one's own plugin."""
