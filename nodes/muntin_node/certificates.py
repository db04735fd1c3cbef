"""The agent's certificate: loaded when it starts, and again when its files are renewed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from muntin_node.config_sections import SslSection
from muntin_node.errors import ConfigError
from muntin_node.threads import in_file_thread

log = logging.getLogger(__name__)
LOOK_EVERY_S = 10.0
Stamp = tuple[tuple[int, int, int], ...]


class Certificates:
    """Certificate and key of one listener; connections that are made after a renewal get the new ones.

    Raises:
        ConfigError: A file cannot be read, or certificate and key do not belong together.
    """

    def __init__(self, section: SslSection, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._files = (Path(section.cert), Path(section.key))
        self._look_every_s = look_every_s
        try:
            self._newest, self._loaded = self._load()
        except (OSError, ValueError) as error:
            raise ConfigError(f"api.ssl: certificate or key cannot be loaded: {error}.") from error
        self.context = self._newest
        self.context.sni_callback = self._hand_over

    async def watch(self) -> None:
        """Take over renewed files, for ever; files that do not fit are looked at again, the old ones hold meanwhile."""
        complained: Stamp = ()
        while True:
            await asyncio.sleep(self._look_every_s)
            stamp = await in_file_thread(self._stamp)
            if stamp in (self._loaded, complained):
                continue
            try:
                await in_file_thread(self._renew)
                log.info("the renewed certificate %s is in use", self._files[0])
            except (OSError, ValueError) as error:
                complained = stamp
                log.error("api.ssl: the renewed certificate cannot be loaded, the old one stays: %s", error)

    def _hand_over(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called at the beginning of each handshake, with a name or without."""
        connection.context = self._newest

    def _renew(self) -> None:
        self._newest, self._loaded = self._load()

    def _load(self) -> tuple[ssl.SSLContext, Stamp]:
        """A context of its own for each pair: one that serves has for a moment a certificate without its key while it
        loads another, and keeps none when they do not fit.
        """
        stamp = self._stamp()  # before reading: files that change meanwhile are read again
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(*self._files)
        return context, stamp

    def _stamp(self) -> Stamp:
        """Which files these are; renewing tools write new ones or turn a link."""
        try:
            found = [path.stat() for path in self._files]
        except OSError:
            return ()
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)
