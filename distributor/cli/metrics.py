"""`run --metrics`: what Prometheus scrapes, and `/health` for a load balancer or an uptime check."""

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

from distributor.errors import ActionError
from distributor.health import Health
from distributor.lifecycle import State
from distributor.outbox import Event
from distributor.store.attention import Need

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600)


class Metrics:
    """Counts what the outbox reports. Names follow Prometheus' naming practice."""

    def __init__(self) -> None:
        """A registry of its own: a process that runs two sites would mix them up otherwise."""
        self.registry = CollectorRegistry()
        options: dict[str, Any] = {"registry": self.registry}
        self._attempts = Counter(
            "distributor_attempts", "Attempts that ended, by outcome.", ["channel", "outcome"], **options
        )
        self._lateness = Histogram(
            "distributor_lateness_seconds",
            "From the planned instant to the write, of what was delivered.",
            ["channel"],
            buckets=_BUCKETS,
            **options,
        )
        self._deliveries = Gauge("distributor_deliveries", "Deliveries in the ledger, by state.", ["state"], **options)
        self._needs = Gauge(
            "distributor_needs_person", "Deliveries that need a person, by the reason.", ["reason"], **options
        )
        self._troubles = Gauge("distributor_troubles", "What is wrong: 0 is well.", **options)
        self._overdue = Gauge("distributor_oldest_overdue_seconds", "How overdue the oldest waiting one is.", **options)
        self._tick = Gauge("distributor_last_tick_timestamp_seconds", "When the alarm ticked last.", **options)
        self._ahead = Gauge("distributor_clock_ahead_seconds", "Host's clock minus the ledger's.", **options)
        self._steps = Counter("distributor_clock_steps", "How often the wall clock was stepped.", **options)
        self._health: Health | None = None
        self._shown = make_wsgi_app(self.registry)

    def events(self, events: Sequence[Event]) -> None:
        """Count what happened to deliveries."""
        for event in events:
            channel = event.delivery.channel
            if event.outcome:
                self._attempts.labels(channel, event.outcome).inc()
            if event.state is State.delivered and event.lateness is not None:
                self._lateness.labels(channel).observe(max(0.0, event.lateness.total_seconds()))

    def tick(self, now: datetime, health: Health, ahead: float) -> None:
        """Once a tick."""
        self._health = health
        for state in State:
            self._deliveries.labels(state).set(health.counts.get(state, 0))
        for need in Need:
            self._needs.labels(need).set(health.needed(need))
        self._troubles.set(len(health.troubles()))
        self._overdue.set(health.overdue.total_seconds())
        self._tick.set(now.timestamp())
        self._ahead.set(ahead)

    def stepped(self) -> None:
        """The wall clock was stepped."""
        self._steps.inc()

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            found: Iterable[bytes] = self._shown(environ, start_response)
            return found
        if path != "/health":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics or /health\n"]
        health = self._health
        troubles = health.troubles() if health else ["the first tick has not come yet"]
        start_response("503 Service Unavailable" if troubles else "200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"ok": not troubles, "troubles": troubles}).encode()]

    def serve(self, address: str) -> WSGIServer:
        """Answer on `host:port` (or `port` on loopback) from a thread; raises ActionError where that is not possible."""
        host, _, port = address.rpartition(":")
        if not port.isdecimal() or int(port) > 65535:
            raise ActionError(f"--metrics: '{address}' names no port; write 9464 or 127.0.0.1:9464")
        try:
            server = make_server(host or "127.0.0.1", int(port), self._app, handler_class=_Quiet)
        except OSError as error:
            raise ActionError(f"cannot serve metrics on '{address}': {error.strerror}; choose another port") from None
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        return server


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        """The live line belongs to deliveries."""
