"""The node half of game servers: Docker, the Wings routes and sockets. Never imports `muntin` or the panel half."""
