"""Figures for Prometheus: requests, open connections, events, jobs."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from quart import Request

from muntin.call import Call

FIGURES = CollectorRegistry(auto_describe=True)
requests = Counter("muntin_requests", "Answered requests.", ("dialect", "method", "route", "status"), registry=FIGURES)
request_seconds = Histogram(
    "muntin_request_seconds",
    "Time to answer, in seconds.",
    ("dialect",),
    registry=FIGURES,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
open_connections = Gauge("muntin_open_connections", "Websockets and streams held open.", registry=FIGURES)


def count_request(call: Call, status: int, seconds: float) -> None:
    """Count one answered request; routes are counted by pattern, never by address, so that figures stay few."""
    route = call.route
    dialect = route.dialect if route else "none"
    method = call.request.method if isinstance(call.request, Request) else "WS"
    _counter(dialect, method, route.path if route else "", status).inc()
    _histogram(dialect).observe(seconds)


_counter = lru_cache(maxsize=8192)(requests.labels)  # finding the figure costs more than counting
_histogram = lru_cache(maxsize=64)(request_seconds.labels)


def exposition() -> bytes:
    """Everything counted in this process, in Prometheus' text form."""
    return generate_latest(FIGURES)
