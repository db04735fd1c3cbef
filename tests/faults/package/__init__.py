"""A plugin that contributes one of every kind, and misbehaves where `faults.json` beside it says so."""
