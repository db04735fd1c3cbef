"""The services of nests and eggs."""
