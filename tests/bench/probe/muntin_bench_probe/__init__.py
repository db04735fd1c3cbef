"""A plugin of the benches' own: tells how long events take to reach a subscriber."""
