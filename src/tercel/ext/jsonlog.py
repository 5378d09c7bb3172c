"""Logs as JSON, one object a line, the access log among them.

In: log records, and from the server a request, its response and the seconds between them. Out:
lines that no client can break or forge: what it sent is inside JSON strings. `JSONAccessLogger`
goes to `run_app(access_log_class=...)`, `JSONFormatter` to the log's handler.
"""

import datetime
import json
import logging
from typing import Any

from tercel import web
from tercel.abc import AbstractAccessLogger
from tercel.web.accesslog import FORWARDED_REMOTE

__all__ = ("JSONAccessLogger", "JSONFormatter")


class JSONFormatter(logging.Formatter):
    """Writes time (UTC, RFC 3339), level, logger and message, and `fields` of the record.

    `fields` is a mapping that a caller gives as `extra={"fields": {...}}`; `request_id` is there
    where `RequestIdFilter` or the access log gave one, `error` where the record has a traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; what JSON does not know is written as its `str`."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = getattr(record, "request_id", None)
        if request_id not in (None, "-"):
            line["request_id"] = request_id
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update({key: value for key, value in fields.items() if key not in line})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line, default=str)


class JSONAccessLogger(AbstractAccessLogger):
    """Writes one record for each answer, with these `fields`: remote, method, path, query, route,
    status, bytes (of the whole answer), seconds, referer, user_agent, request_id.

    `route` is the route's name, else its pattern, so that lines can be counted by it.
    """

    def log(self, request: Any, response: Any, time: float) -> None:
        """Write one record at INFO; `time` is in seconds."""
        version = request.version
        fields = {
            "remote": request.get(FORWARDED_REMOTE, request.remote),
            "method": request.method,
            "path": request.path,
            "query": request.query_string,
            "version": f"{version.major}.{version.minor}",
            "route": name_route(request),
            "status": response.status,
            "bytes": getattr(request.writer, "bytes_sent", response.body_length),
            "seconds": round(time, 6),
            "referer": request.headers.get("Referer"),
            "user_agent": request.headers.get("User-Agent"),
        }
        # Plain formatters see the message alone: nothing in it may begin another line.
        text = f"{request.method} {request.path_qs} {response.status}"
        extra: dict[str, Any] = {"fields": fields}
        if "request_id" in request:
            extra["request_id"] = request["request_id"]
        self.logger.info("%s", text.encode("unicode_escape").decode(), extra=extra)

    @property
    def enabled(self) -> bool:
        """True if the logger takes INFO records."""
        return self.logger.isEnabledFor(logging.INFO)


def name_route(request: web.BaseRequest) -> str | None:
    """The name of the route that matched, else its pattern; None where none did."""
    info = getattr(request, "match_info", None)
    if info is None or info.http_exception is not None:
        return None
    resource = info.route.resource
    if resource is None:
        return None
    name: str = resource.name or resource.canonical
    return name
