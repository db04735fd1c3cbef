"""The agent that runs muntin's workloads on a machine, and the wire helpers that panel and agent share.

For authors of a node half: `hookspecs`, `contributions`, `context`, `access` (`public`, `state_of`), `errors`,
`files`, `processes`, `fanout`, `cgroups`, `tokens`, `panel`, `bus`.
"""
