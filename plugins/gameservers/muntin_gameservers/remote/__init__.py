"""`/api/remote`: where nodes fetch servers and report what became of them (the Wings protocol)."""
