"""A small panel of made-up data for the browser tests: real templates, real assets, the real policy, no core."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader
from quart import Quart, Response, g, jsonify, redirect, render_template, request, websocket

from muntin.filters import FILTERS
from muntin.pages.assets import CORE_ASSETS, Assets
from muntin.pages.csp import content_security_policy, new_nonce, page_headers
from muntin.translation import _

from .fake_server import FakeServer, Viewer

TEMPLATES = CORE_ASSETS.parent.parent / "templates"
STATES = ("running", "offline", "starting", "suspended", "crashed", "installing")
COLOURS = (
    "\x1b[32mgreen\x1b[0m \x1b[1;33mbold yellow\x1b[0m \x1b[38;2;255;120;40mtrue colour\x1b[0m \x1b[41mon red\x1b[0m"
)


def rows(amount: int) -> list[dict[str, Any]]:
    """As many made-up servers as wanted."""
    return [
        {
            "id": str(number),
            "name": f"server-{number:04d}",
            "path": "/server",
            "state": STATES[number % len(STATES)],
            "owner": f"person{number % 7}@example.org",
            "node": f"node-{number % 3}",
            "memory": 512 * (1 + number % 4),
            "created": datetime.now(UTC) - timedelta(hours=number * 5),
            "live": f"server:{number}",
        }
        for number in range(1, amount + 1)
    ]


def list_view(path: str, everything: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What a table's address asks for: search, filter, sort, page."""
    args = {key: value for key, value in request.args.items() if value}
    found = [one for one in everything if args.get("search", "").lower() in one["name"]]
    if "state" in args:
        found = [one for one in found if one["state"] == args["state"]]
    sort = args.get("sort", "name")
    found.sort(key=lambda one: one[sort.removeprefix("-")], reverse=sort.startswith("-"))
    page = int(args.get("page", 1))
    meta = {"current_page": page, "per_page": 25, "total": len(found), "total_pages": max(1, -(-len(found) // 25))}
    return found[(page - 1) * 25 : page * 25], {"path": path, "args": args, "page": meta, "sort": "name"}


def form_fields(
    values: dict[str, str] | None = None, errors: dict[str, list[str]] | None = None
) -> list[dict[str, Any]]:
    """One field of every kind."""
    values, errors = values or {}, errors or {}
    fields: list[dict[str, Any]] = [
        {
            "name": "name",
            "label": "Name",
            "help": "Shown in lists and in the console.",
            "value": "lobby",
            "required": True,
            "max": 64,
        },
        {"name": "email", "label": "Contact", "kind": "email", "value": "", "autocomplete": "email"},
        {
            "name": "memory_mib",
            "label": "Memory",
            "kind": "number",
            "unit": "MiB",
            "value": 2048,
            "min": 128,
            "max": 65536,
            "required": True,
        },
        {
            "name": "node",
            "label": "Node",
            "kind": "select",
            "options": [("1", "node-1"), ("2", "node-2")],
            "value": "2",
            "required": True,
        },
        {
            "name": "autostart",
            "label": "Start with the node",
            "kind": "switch",
            "value": True,
            "help": "After the machine restarts.",
        },
        {"name": "tags", "label": "Tags", "kind": "tags", "value": ["eu", "test"]},
        {"name": "expires_at", "label": "Expires", "kind": "datetime", "value": "2026-12-24T18:00"},
        {"name": "notes", "label": "Notes", "kind": "textarea", "value": "First line", "section": "More"},
        {"name": "smtp_password", "label": "SMTP password", "kind": "secret", "is_set": True, "section": "More"},
        {
            "name": "new_password",
            "label": "New password",
            "kind": "password",
            "section": "More",
            "autocomplete": "new-password",
        },
        {"name": "identifier", "label": "Identifier", "value": "5f3a9c21", "readonly": True, "section": "More"},
        {
            "name": "config",
            "label": "server.properties",
            "kind": "editor",
            "language": "properties",
            "value": "motd=Hello\nmax-players=20\n",
            "section": "More",
        },
        {
            "name": "oom",
            "label": "Let the kernel end it when memory runs out",
            "kind": "switch",
            "value": False,
            "danger": True,
        },
    ]
    for one in fields:
        one["errors"] = errors.get(one["name"], [])
        if values and one["name"] in values:
            one["value"] = values[one["name"]]
    return fields


def navigation(path: str) -> list[dict[str, Any]]:
    """The side bar of an administrator."""
    own = [("Dashboard", "/", "layout-dashboard"), ("Account", "/account", "user-circle")]
    admin = [("Overview", "/admin", "activity"), ("Servers", "/list", "server"), ("Nodes", "/nodes", "server-2")]
    admin += [("Eggs", "/eggs", "egg"), ("Accounts", "/accounts", "users"), ("Roles", "/roles", "shield")]
    admin += [("Plugins", "/plugins", "puzzle"), ("Settings", "/form", "settings"), ("Audit", "/audit", "history")]

    def entries(items: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
        return [{"label": label, "path": to, "icon": icon, "current": to == path} for label, to, icon in items]

    return [{"label": "", "entries": entries(own)}, {"label": "Admin", "entries": entries(admin)}]


def create_harness() -> Quart:
    """The app; its `fake` attribute is the one server, `saved` what the form last got."""
    app = Quart("harness", static_folder=None)
    app.jinja_loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent / "pages"), FileSystemLoader(TEMPLATES)])
    assets, fake = Assets(), FakeServer()
    fake.lines.extend(f"[boot] line {number} {COLOURS}" for number in range(1, 41))
    app.extensions.update(fake=fake, saved=[], reports=[])
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update({"_": _, "asset": assets.url, "asset_preloads": assets.preloads})
    _frame(app)
    _pages(app)
    _streams(app, fake)

    @app.get("/static/core/<path:name>")
    async def asset_file(name: str) -> Response:
        answer = assets.answer(
            name,
            accept_encoding=request.headers.get("Accept-Encoding", ""),
            if_none_match=request.headers.get("If-None-Match", ""),
        )
        response = Response(answer.path.read_bytes() if answer.path else b"", answer.status)
        response.headers.update(answer.headers)
        return response

    return app


def _frame(app: Quart) -> None:
    @app.before_request
    async def before() -> None:
        g.nonce = new_nonce()

    @app.after_request
    async def after(response: Response) -> Response:
        if response.mimetype == "text/html":
            policy = content_security_policy(g.nonce) + "; report-uri /reports"
            response.headers.update(page_headers(g.nonce, policy=policy))
        return response

    @app.context_processor
    async def context() -> dict[str, Any]:
        return {
            "nav": navigation(request.path) if "plain" not in request.args else None,
            "account": {"name": "Ada Lovelace", "email": "ada@example.org", "role": "Admin", "time_zone": "UTC"},
            "csrf_token": "proof", "csp_nonce": g.nonce, "search_path": "/find", "help_path": "/help",
            "text_direction": request.args.get("dir", "ltr"), "live_path": "/live" if "live" in request.args else "",
        }  # fmt: skip

    @app.post("/reports")
    async def reports() -> str:
        app.extensions["reports"].append(await request.get_data(as_text=True))
        return ""


def _pages(app: Quart) -> None:
    @app.get("/")
    async def dashboard() -> str:
        return await render_template("dashboard.html", servers=rows(int(request.args.get("rows", 6))))

    @app.get("/list")
    async def table() -> str:
        shown, view = list_view("/list", rows(int(request.args.get("rows", 1000))))
        return await render_template("list.html", rows=shown, view=view)

    @app.get("/form")
    async def form() -> str:
        return await render_template("form.html", fields=form_fields())

    @app.post("/form")
    async def save() -> Any:
        values = (await request.form).to_dict()
        app.extensions["saved"].append(values)
        if int(values["memory_mib"]) >= 128:
            return redirect("/form?saved=1", 303)
        fields = form_fields(values, {"memory_mib": ["Must be at least 128 MiB."]})
        return await render_template("form.html", fields=fields), 422

    @app.get("/server")
    async def server() -> str:
        return await render_template("server.html")

    @app.get("/files")
    async def files() -> str:
        return await render_template("files.html", text="server:\n  port: 25565 # game\n  motd: 'Hello'\n" * 12)

    @app.get("/kit")
    async def kit() -> str:
        return await render_template("kit.html", now=datetime.now(UTC))

    @app.get("/sign-in")
    async def sign_in() -> str:
        return await render_template("sign_in.html")

    @app.get("/missing")
    async def missing() -> Any:
        return await render_template(
            "error.html", status=404, title="This page does not exist",
            message="It may have moved, or you may not see it.", request_id="01JD9Z6Q2Y",
        ), 404  # fmt: skip

    @app.get("/find")
    async def find() -> str:
        return f'<a class="dropdown-item" href="/server">server-{len(request.args["q"]):04d}</a>'

    @app.post("/removed")
    async def removed() -> Any:
        app.extensions["saved"].append((await request.form).to_dict(flat=False))
        return redirect("/list", 303)

    @app.get("/figures")
    async def figures() -> Response:
        now = int(datetime.now(UTC).timestamp())
        values = [30 + (step * 13) % 50 for step in range(60)]
        return jsonify(
            {
                "time": [now - 60 * (60 - step) for step in range(60)],
                "limit": 100,
                "series": [{"label": "CPU", "values": values}],
            }
        )


def _streams(app: Quart, fake: FakeServer) -> None:
    @app.get("/live")
    async def live() -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"retry: 500\n\n"
            for tick in range(10_000):
                message = {
                    "topic": "server:1",
                    "state": "running",
                    "values": {"cpu": f"{tick} %", "memory": tick},
                }
                yield f"data: {json.dumps(message)}\n\n".encode()
                await asyncio.sleep(0.2)

        response = Response(events(), headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        response.timeout = None
        return response

    @app.post("/ticket")
    async def ticket() -> Any:
        if request.headers.get("X-CSRF-Token") != "proof":
            return jsonify({"error": {"code": "forbidden", "message": "No proof.", "details": {}}}), 403
        fake.issued += 1
        fake.tickets.add(f"t{fake.issued}")
        return jsonify({"data": {"ticket": f"t{fake.issued}"}})

    @app.websocket("/ws")
    async def socket() -> None:
        known = websocket.args.get("ticket", "") in fake.tickets
        fake.tickets.discard(websocket.args.get("ticket", ""))
        await websocket.accept()
        if not known:
            await websocket.close(4401)
            return
        await _serve(fake)


async def _serve(fake: FakeServer) -> None:
    """What a node's console does: tell the state, repeat the last lines, then follow."""
    queue = Viewer()
    dropped = fake.dropped
    fake.sockets.add(queue)
    await queue.put({"type": "status", "status": fake.state})
    await queue.put(fake.stats())
    await queue.put(fake.frame(max(1, len(fake.lines) - 99), len(fake.lines)))

    async def send() -> None:
        while True:
            await websocket.send_json(await queue.get())

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.3)
            await queue.put(fake.stats())

    tasks = [asyncio.create_task(work) for work in (send(), beat(), _receive(fake, queue), dropped.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:  # also when the page went away and this handler is cancelled
        fake.sockets.discard(queue)
        queue.closed.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if dropped.is_set():
        await websocket.close(fake.drop_code)


async def _receive(fake: FakeServer, queue: Viewer) -> None:
    while True:
        frame = await websocket.receive_json()
        if frame["type"] == "command":
            fake.commands.append(frame["command"])
            await fake.say(f"> {frame['command']}", f"echo {frame['command']}")
        elif frame["type"] == "power":
            await fake.become(
                {"start": "running", "restart": "running", "stop": "offline", "kill": "offline"}[frame["action"]]
            )
        elif frame["type"] == "logs":
            await queue.put(fake.frame(frame["since"] + 1, len(fake.lines)))
