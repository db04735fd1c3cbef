"""The programs a panel consists of; `muntin up` runs them together, `serve` and `worker` one kind each."""
