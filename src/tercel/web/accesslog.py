"""The access log: one line for each answer, in the documented format language (logging.rst).

In: a format, compiled once, then a request, a response and the seconds between them. Out: one INFO
record, whose `extra` holds the single values. What a client sends can't begin a new line, leave its
quotes or speak to a terminal: such characters are escaped as `\\xhh`, `\\"` and `\\\\`.
"""

import logging
import os
import re
import time as clock
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..abc import AbstractAccessLogger

if TYPE_CHECKING:
    from .request import BaseRequest
    from .stream import StreamResponse

__all__ = ("FORWARDED_REMOTE", "AccessLogger")

#: Key of a request: the client's address, where a middleware has found it behind a proxy.
FORWARDED_REMOTE = "tercel.forwarded_remote"

Getter = Callable[[Any, Any, float], Any]

_ATOM = re.compile(r"%(?:\{(?P<name>[^{}\s]+)\}(?P<source>[a-zA-Z])|(?P<word>Tf|[a-zA-Z%]))")


class AccessLogger(AbstractAccessLogger):
    """Writes access lines to `logger`; `log_format` is in the language of logging.rst.

    Raises ValueError for an atom that the language does not have.
    """

    LOG_FORMAT = '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"'

    def __init__(self, logger: logging.Logger, log_format: str = LOG_FORMAT) -> None:
        super().__init__(logger, log_format=log_format)
        self._template, self._getters = compile_format(log_format)

    def log(self, request: "BaseRequest", response: "StreamResponse", time: float) -> None:
        """Write one line; `time` is in seconds."""
        values: list[Any] = []
        extra: dict[str, Any] = {}
        for key, name, getter in self._getters:
            value = getter(request, response, time)
            values.append(value)
            if name is None:
                extra[key] = value
            else:
                extra.setdefault(key, {})[name] = value
        self.logger.info("%s", self._template % tuple(values), extra=extra)

    @property
    def enabled(self) -> bool:
        """True if the logger takes INFO records."""
        return self.logger.isEnabledFor(logging.INFO)


def compile_format(log_format: str) -> tuple[str, tuple[tuple[str, str | None, Getter], ...]]:
    """A template for the % operator, and what fills it: (key, header name or None, getter).

    A % that begins no atom stands for itself. Raises ValueError for an unknown atom.
    """
    template: list[str] = []
    getters: list[tuple[str, str | None, Getter]] = []
    end = 0
    for found in _ATOM.finditer(log_format):
        template.append(log_format[end : found.start()].replace("%", "%%"))
        end = found.end()
        if found["word"] == "%":
            template.append("%%")
            continue
        template.append("%s")
        name = found["name"]
        if name is not None:
            if found["source"] not in _SOURCES:
                raise ValueError(f"{found[0]!r} is no atom of the access log; see its format")
            key, make = _SOURCES[found["source"]]
            getters.append((key, name, make(name)))
        elif found["word"] in _ATOMS:
            key, getter = _ATOMS[found["word"]]
            getters.append((key, None, getter))
        else:
            raise ValueError(f"{found[0]!r} is no atom of the access log; see its format")
    template.append(log_format[end:].replace("%", "%%"))
    return "".join(template), tuple(getters)


def escape(text: str) -> str:
    """`text` without anything that could end its quotes, its line or the peace of a terminal."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join([_escape_character(character) for character in text])


def _escape_character(character: str) -> str:
    if character == '"' or character == "\\":
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # an octet that was no UTF-8
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _read_remote(request: Any, response: Any, time: float) -> str:
    remote = request.remote if request is not None else None
    state = getattr(request, "_state", None)
    if state:
        remote = state.get(FORWARDED_REMOTE, remote)
    return "-" if remote is None else escape(str(remote))


def _read_start(request: Any, response: Any, time: float) -> str:
    return _format_start(int(clock.time() - time))


def _format_start(second: int) -> str:
    """Local time as Apache writes it, in English whatever the locale."""
    if _Second.number != second:
        local = clock.localtime(second)
        offset = local.tm_gmtoff // 60
        sign = "-" if offset < 0 else "+"
        hours, minutes = divmod(abs(offset), 60)
        _Second.text = (
            f"[{local.tm_mday:02}/{_MONTHS[local.tm_mon - 1]}/{local.tm_year:04}:"
            f"{local.tm_hour:02}:{local.tm_min:02}:{local.tm_sec:02} {sign}{hours:02}{minutes:02}]"
        )
        _Second.number = second
    return _Second.text


class _Second:
    """The text of the second that was asked for last."""

    number = -1
    text = ""


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _read_process(request: Any, response: Any, time: float) -> str:
    return f"<{os.getpid()}>"


def _read_first_line(request: Any, response: Any, time: float) -> str:
    if request is None:
        return "-"
    version = request.version
    return escape(f"{request.method} {request.path_qs} HTTP/{version.major}.{version.minor}")


def _read_status(request: Any, response: Any, time: float) -> int:
    return response.status  # type: ignore[no-any-return]


def _read_size(request: Any, response: Any, time: float) -> int:
    exchange = getattr(response, "_exchange", None)
    return response.body_length if exchange is None else exchange.bytes_sent  # type: ignore[no-any-return]


def _read_seconds(request: Any, response: Any, time: float) -> str:
    return str(round(time))


def _read_fraction(request: Any, response: Any, time: float) -> str:
    return f"{time:.6f}"


def _read_microseconds(request: Any, response: Any, time: float) -> str:
    return str(round(time * 1_000_000))


def _make_request_header(name: str) -> Getter:
    def read(request: Any, response: Any, time: float) -> str:
        value = request.headers.get(name) if request is not None else None
        return "-" if value is None else escape(value)

    return read


def _make_response_header(name: str) -> Getter:
    def read(request: Any, response: Any, time: float) -> str:
        value = response.headers.get(name)
        return "-" if value is None else escape(value)

    return read


_ATOMS: dict[str, tuple[str, Getter]] = {
    "a": ("remote_address", _read_remote),
    "t": ("request_start_time", _read_start),
    "P": ("process_id", _read_process),
    "r": ("first_request_line", _read_first_line),
    "s": ("response_status", _read_status),
    "b": ("response_size", _read_size),
    "T": ("request_time", _read_seconds),
    "Tf": ("request_time_frac", _read_fraction),
    "D": ("request_time_micro", _read_microseconds),
}

_SOURCES: dict[str, tuple[str, Callable[[str], Getter]]] = {
    "i": ("request_header", _make_request_header),
    "o": ("response_header", _make_response_header),
}
