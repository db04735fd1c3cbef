"""The half of programs that runs on nodes."""
