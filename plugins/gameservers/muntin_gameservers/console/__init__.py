"""The live console: one line to the node per server and process, any number of viewers."""
