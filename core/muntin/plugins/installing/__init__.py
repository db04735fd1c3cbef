"""Installing, upgrading and uninstalling plugins; any failure puts back what was."""
