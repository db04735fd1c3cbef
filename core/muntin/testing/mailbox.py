"""The fixture `mailbox`: a real mail server on this machine that keeps what it is given. Needs `muntin[testing]`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

__all__ = ["Mailbox", "open_mailbox"]


@dataclass(slots=True)
class Mailbox:
    """A mail server and what it took.

    Attributes:
        answer: What it says to each mail: `250 OK` takes it, `451 later` and `550 never` do not.
        mails: Those it took, in order.
    """

    port: int = 0
    answer: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail, or refuse it; called by aiosmtpd."""
        if self.answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)  # noqa: S101 - which is what this policy makes
            self.mails.append(message)
        return self.answer

    @property
    def settings(self) -> dict[str, Any]:
        """The panel's mail settings for this server."""
        return {
            "driver": "smtp",
            "host": "127.0.0.1",
            "port": self.port,
            "encryption": "none",
            "from_address": "panel@example.org",
        }


@asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    """Listen on a free port of this machine, on the running loop."""
    from aiosmtpd.smtp import SMTP  # not among the panel's own dependencies

    mailbox, loop = Mailbox(), asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def session() -> SMTP:
        sessions.append(SMTP(mailbox, hostname="mailbox.example.test", loop=loop))
        return sessions[-1]

    server = await loop.create_server(session, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        for one in sessions:
            if one.transport is not None:
                one.transport.close()
        await server.wait_closed()
