"""What a server's containers look like: limits, ports, environment, mounts, in the engine's own JSON form."""
