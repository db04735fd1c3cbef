"""The websocket of a server: console, figures, power, as Wings' clients know it."""
