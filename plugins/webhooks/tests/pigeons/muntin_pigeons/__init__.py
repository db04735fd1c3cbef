"""A plugin of somebody else: one more destination of webhooks, and events of things that are shared."""
