"""A QR code as a picture that the Content-Security-Policy lets through."""

from __future__ import annotations

from base64 import b64encode


def as_picture(svg: str) -> str:
    """An `<svg>` element as a `data:` address for an `<img>`."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
