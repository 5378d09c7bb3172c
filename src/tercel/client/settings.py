"""Settings of a session, checked and put into one form.

In: arguments of `ClientSession`, with names of old. Out: a base URL, timeouts, the place where the
session was made. Never keeps anything.
"""

from __future__ import annotations

import sys
import warnings

from yarl import URL

from tercel.client.options import (
    DEFAULT_TIMEOUT,
    ClientTimeout,
    Unset,
    sentinel,
    timeout_of,
)

__all__ = ("check_base_url", "merge_timeouts", "place_of_caller")


def check_base_url(base_url: str | URL | None) -> URL | None:
    """An absolute URL that others are joined to; ValueError for one that can't be that."""
    if base_url is None:
        return None
    url = URL(base_url)
    if not url.absolute or url.origin() is None:
        raise ValueError(f"base_url is {base_url!r}, expected an absolute URL")
    if not url.path.endswith("/"):
        raise ValueError("base_url must have a trailing '/'")
    return url


def merge_timeouts(
    timeout: ClientTimeout | float | Unset | None,
    read_timeout: float | Unset | None,
    conn_timeout: float | None,
) -> ClientTimeout:
    """The session's timeouts, from their present name and the two of old."""
    if timeout is not sentinel and (read_timeout is not sentinel or conn_timeout is not None):
        raise ValueError("read_timeout and conn_timeout are old names, they exclude timeout")
    merged = timeout_of(timeout, DEFAULT_TIMEOUT)
    if read_timeout is not sentinel or conn_timeout is not None:
        warnings.warn(
            "read_timeout and conn_timeout are deprecated, use timeout=ClientTimeout(...)",
            DeprecationWarning,
            stacklevel=3,
        )
        total = merged.total if isinstance(read_timeout, Unset) else read_timeout
        merged = ClientTimeout(total=total, connect=conn_timeout, sock_connect=merged.sock_connect)
    return merged


def place_of_caller() -> str:
    """File and line of whoever makes a session."""
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
