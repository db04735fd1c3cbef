"""Addresses for machines beside the pages: static files, liveness, readiness, figures."""

from __future__ import annotations

from typing import Any, ClassVar

from quart import Response

from muntin import metrics
from muntin.access import Actor, guarded
from muntin.accounts.credentials import actor_of_bearer
from muntin.api.json import dumps
from muntin.call import Call
from muntin.contributions import Templates
from muntin.dialects import Dialect
from muntin.errors import MuntinError, NotFound
from muntin.health import ready, system_health
from muntin.pages.assets import Assets, core_assets
from muntin.routing import Route, Routes
from muntin.runtime import panel

routes = Routes(dialect="system", tags=("system",))


class SystemDialect(Dialect):
    """For machines: no limits, no cookies, errors as one line of JSON; `/metrics` takes an API key."""

    name: ClassVar[str] = "system"
    prefixes: ClassVar[tuple[str, ...]] = ("/static", "/healthz", "/readyz", "/metrics")

    async def authenticate(self, call: Call) -> Actor:
        return call.actor if call.request.path.startswith("/static/") else await actor_of_bearer(call)

    async def render(self, call: Call, route: Route, result: Any) -> Response:
        return Response(dumps(result), status=route.status, content_type="application/json")

    async def render_error(self, call: Call, error: MuntinError) -> Response:
        body = {"error": {"code": error.code, "message": error.message}}
        return Response(dumps(body), status=error.status, content_type="application/json")


_assets: dict[str, Assets] = {"core": core_assets}


@guarded(None)
async def static_files(actor: Actor, plugin: str) -> Assets:
    """The static files of the core or of an enabled plugin.

    Raises:
        NotFound: It has none, or is not enabled.
    """
    if plugin == "core":
        return core_assets
    folders = [owned.value.static for owned in panel().registry.owned(Templates) if owned.plugin == plugin]
    if not folders or folders[0] is None:
        raise NotFound
    return _assets.setdefault(plugin, Assets(folders[0], f"/static/{plugin}"))


@guarded("admin.metrics")
async def figures(actor: Actor) -> bytes:
    """Everything this process counted."""
    metrics.open_connections.set(len(panel().connections.open))
    return metrics.exposition()


@routes.get("/static/<string:plugin>/<path:name>", service=static_files)
async def static(actor: Actor, plugin: str, name: str, call: Call) -> Response:
    """A static file."""
    assets = await static_files(actor, plugin)
    headers = call.request.headers
    answer = assets.answer(
        name,
        accept_encoding=headers.get("Accept-Encoding", ""),
        if_none_match=headers.get("If-None-Match", ""),
        version=call.request.args.get("v", ""),
    )
    body = answer.path.read_bytes() if answer.path else b""  # a few hundred KiB at most, from the page cache
    return Response(body, status=answer.status, headers=answer.headers)


@routes.get("/healthz", service=system_health)
async def healthz(actor: Actor) -> Response:
    """That this process answers."""
    await system_health(actor)
    return Response(b'{"status":"ok"}', content_type="application/json")


@routes.get("/readyz", service=system_health)
async def readyz(actor: Actor) -> Response:
    """Whether what the panel needs is there; 503 and the reasons when it is not."""
    await system_health(actor)
    missing = await ready()
    body = {"status": "unavailable" if missing else "ok", "missing": [one.name for one in missing]}
    return Response(dumps(body), status=503 if missing else 200, content_type="application/json")


@routes.get("/metrics", service=figures)
async def metrics_text(actor: Actor) -> Response:
    """Prometheus' figures of this process."""
    return Response(await figures(actor), content_type="text/plain; version=0.0.4; charset=utf-8")
