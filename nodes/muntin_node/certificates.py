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
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.set_alpn_protocols(["http/1.1"])
        try:
            self._loaded = self._load(self.context)
        except (OSError, ValueError) as error:
            raise ConfigError(f"api.ssl: certificate or key cannot be loaded: {error}.") from error

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

    def _renew(self) -> None:
        self._load(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))  # a pair that does not fit spoils a context
        self._loaded = self._load(self.context)

    def _load(self, context: ssl.SSLContext) -> Stamp:
        stamp = self._stamp()  # before reading: files that change meanwhile are read again
        context.load_cert_chain(*self._files)
        return stamp

    def _stamp(self) -> Stamp:
        """Which files these are; renewing tools write new ones or turn a link."""
        try:
            found = [path.stat() for path in self._files]
        except OSError:
            return ()
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)
