"""The Quart application of one panel: Quart speaks ASGI, `dispatch` decides who answers."""

from __future__ import annotations

from quart import Quart, Request, Response, Websocket

from muntin.answering import Conversation, Exchange
from muntin.bus import Bus
from muntin.configuration import Configuration
from muntin.dispatch import answer, converse
from muntin.panel import Panel

LARGEST_BODY_BYTES = 256 * 1024 * 1024
"""No route takes more than this; each dialect and route has its own, smaller limit."""


class PanelApp(Quart):
    """Hands every request to the panel's own route tables, which can be swapped while it runs."""

    panel: Panel
    asgi_http_class = Exchange
    asgi_websocket_class = Conversation

    async def handle_request(self, request: Request) -> Response:
        """Answer through the dialect whose prefix and credential match."""
        return await answer(self.panel, request)

    async def handle_websocket(self, websocket: Websocket) -> Response | None:
        """The same for websockets."""
        return await converse(self.panel, websocket)


def create_app(configuration: Configuration | None = None, *, bus: Bus | None = None) -> PanelApp:
    """A panel and its application; opened and closed by the server's lifespan.

    Two applications never share plugins or state, but one process has one open database.
    """
    app = PanelApp("muntin", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES, RESPONSE_TIMEOUT=None)
    app.panel = Panel(configuration or Configuration(), bus=bus)

    @app.before_serving
    async def _open() -> None:
        await app.panel.open()

    @app.after_serving
    async def _close() -> None:
        app.panel.connections.end_all()
        await app.panel.close()

    return app
