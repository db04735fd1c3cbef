"""Commands that game servers add to `muntin`."""
