"""The services of game servers, by what they do."""
