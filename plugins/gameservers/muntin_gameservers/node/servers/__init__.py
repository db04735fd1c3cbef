"""The servers of this node: state, power, console, installs, figures."""
