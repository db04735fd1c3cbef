"""Where notifications can go; plugins add more by the hook `muntin_webhooks_destinations`."""
