"""The headers every page carries: scripts and connections from here alone, style sheets by nonce, no frames."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Final

_SOURCE: Final = re.compile(r"(https|wss)://[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)


class SourceRefused(ValueError):
    """Something asked for a source that would weaken the policy; only https and wss origins may be added."""


def new_nonce() -> str:
    """128 random bits for the style sheets of one page; never used twice."""
    return secrets.token_urlsafe(16)


def content_security_policy(
    nonce: str, *, connect: Iterable[str] = (), images: Iterable[str] = (), forms: Iterable[str] = ()
) -> str:
    """The policy of one page.

    Args:
        nonce: From `new_nonce`; the same string the templates get as `csp_nonce`.
        connect: Further origins scripts may talk to, such as `wss://node.example.org:8080`.
        images: Further origins pictures may come from.
        forms: Further origins a form may end up at, such as an identity provider's after a redirect.

    Raises:
        SourceRefused: An addition is not a plain https or wss origin.
    """
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": _sources("'self' data:", images),
        "font-src": "'self'",
        "connect-src": _sources("'self'", connect),
        "manifest-src": "'self'",
        "form-action": _sources("'self'", forms),
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def page_headers(nonce: str, *, policy: str | None = None) -> dict[str, str]:
    """Every header that keeps a page safe; `policy` stands in for the usual one."""
    return {
        "Content-Security-Policy": policy or content_security_policy(nonce),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def _sources(base: str, additions: Iterable[str]) -> str:
    for source in additions:
        if not _SOURCE.fullmatch(source):
            raise SourceRefused(f"{source!r} is not an https:// or wss:// origin.")
        base = f"{base} {source}"
    return base
