"""Where the log lines of `tercel run` go: the access log to standard output, all else to error.

In: the settings. Out: handlers on the root logger and on `tercel.access`, as text or as JSON, with
the request's id where there is one.
"""

import logging
import sys
from typing import TextIO

from tercel.cli.settings import Settings
from tercel.ext.jsonlog import JSONFormatter
from tercel.ext.requestid import RequestIdFilter

__all__ = ("set_up_logs",)


def set_up_logs(settings: Settings) -> None:
    """Set up logging for this process, unless somebody has done so already."""
    level = logging.getLevelName(settings.log_level.upper())
    root = logging.getLogger()
    if not root.handlers:
        text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        root.addHandler(_make_handler(settings, sys.stderr, text))
    root.setLevel(level)
    access = logging.getLogger("tercel.access")
    if settings.access_log and not access.handlers:
        access.addHandler(_make_handler(settings, sys.stdout, logging.Formatter("%(message)s")))
        access.setLevel(logging.INFO)
        access.propagate = False


def _make_handler(settings: Settings, stream: TextIO, text: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter() if settings.log_format == "json" else text)
    handler.addFilter(RequestIdFilter())
    return handler
