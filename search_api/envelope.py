"""Around every answer: a request id, security headers, one log line, the counters, a last catch."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.metrics import Metrics
from search_api.problems import problem_of

GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

access_log = logging.getLogger("garb.access")

# Threads that work for a request carry it too: `limits.InferencePool` hands them the context.
_current_id: ContextVar[str | None] = ContextVar("garb_request_id", default=None)


class Envelope:
    """ASGI, outermost. Knows the route only after the router has chosen it."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        scope["garb.request_id"] = request_id
        _current_id.set(request_id)
        status = 0

        async def wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, wrapped)
        except ClientDisconnect:
            pass  # Nobody is there to be told, and it is no fault of ours.
        except Exception as error:
            if status:
                raise
            await problem_of(error, request_id=request_id)(scope, receive, wrapped)
        finally:
            self._note(scope, status=status, seconds=time.perf_counter() - started)

    def _note(self, scope: Scope, *, status: int, seconds: float) -> None:
        route = str(getattr(scope.get("route"), "path", "") or "unmatched")
        if status == 405:  # Else every method of every address would be a series of its own.
            route = "unmatched"
        method = str(scope["method"])
        # 499 as nginx has it: the caller hung up before an answer began.
        self.metrics.count_request(
            method=method, route=route, status=status or 499, seconds=seconds
        )
        client = scope.get("client")
        access_log.info(
            "answered",
            extra={
                "request_id": scope["garb.request_id"],
                "method": method,
                "route": route,
                "status": status or 499,
                "ms": round(seconds * 1000, 1),
                "client": client[0] if client else None,
            },
        )


class LineFormatter(logging.Formatter):
    """One JSON object a line; only the fields named here ever leave."""

    FIELDS = ("request_id", "method", "route", "status", "ms", "client", "job", "worker")

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in self.FIELDS:
            if hasattr(record, name):
                line[name] = getattr(record, name)
        if _current_id.get() is not None:
            line.setdefault("request_id", _current_id.get())
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr(*, level: int = logging.INFO) -> None:
    """Send every log to stderr, one line each; of other people's packages only warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("garb", "indexer", "segmentation", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.setLevel(level)
        logger.propagate = True
