"""Plain programs on nodes: a second kind of workload."""
