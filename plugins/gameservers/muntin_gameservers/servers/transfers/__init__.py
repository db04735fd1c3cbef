"""Moving servers to other nodes: ordered, carried out by the two nodes, ended once, tidied up behind."""
