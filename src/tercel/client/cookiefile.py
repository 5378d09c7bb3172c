"""Cookies in a JSON file, as `CookieJar.save` and `load` document it.

In: a path and cookies; a path. Out: a file that its owner alone can read; cookies. Nothing else is
ever read, pickles least of all. The file is replaced as a whole or left as it was.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from typing import Any

from tercel.client.cookiestore import Cookie
from tercel.wire.morsels import make_morsel

__all__ = ("read_cookies", "write_cookies")

_TEXTS = ("expires", "path", "comment", "domain", "max-age", "version", "samesite")
_FLAGS = ("secure", "httponly", "partitioned")


def write_cookies(file_path: str | os.PathLike[str], cookies: Iterable[Cookie]) -> None:
    """Write `cookies` to `file_path`; OSError if that fails."""
    document: dict[str, dict[str, dict[str, Any]]] = {}
    for cookie in cookies:
        place = document.setdefault(f"{cookie.domain}|{cookie.path}", {})
        place[cookie.name] = _describe(cookie)
    path = os.path.realpath(file_path)
    handle, temporary = tempfile.mkstemp(prefix=".cookies-", dir=os.path.dirname(path))
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _describe(cookie: Cookie) -> dict[str, Any]:
    morsel = cookie.morsel
    entry: dict[str, Any] = {
        "key": morsel.key,
        "value": morsel.value,
        "coded_value": morsel.coded_value,
    }
    entry.update((name, given) for name, given in morsel.items() if given)
    if cookie.host_only:
        entry["host_only"] = True
    if cookie.expires is not None:
        # The moment alone counts: a Max-Age would begin anew at each load.
        entry.pop("max-age", None)
        entry.pop("expires", None)
        entry["expires_timestamp"] = cookie.expires
    return entry


def read_cookies(file_path: str | os.PathLike[str]) -> list[Cookie]:
    """The cookies of a file; OSError, or ValueError for what is no such JSON."""
    with open(file_path, "rb") as file:
        data = file.read()
    if data[:1] == b"\x80":
        raise ValueError(
            f"{os.fspath(file_path)} holds a pickle, expected JSON: cookie files are never "
            "unpickled, for a pickle can run code"
        )
    try:
        document = json.loads(data)
        return [
            _restore(place, entry)
            for place, entries in document.items()
            for entry in entries.values()
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{os.fspath(file_path)} is not what CookieJar.save writes: {error!r}"
        ) from error


def _restore(place: str, entry: dict[str, Any]) -> Cookie:
    domain, bar, path = place.partition("|")
    texts = (entry["key"], entry["value"], entry["coded_value"])
    if not bar or not all(isinstance(text, str) for text in texts) or not entry["key"]:
        raise ValueError(f"the cookie at {place!r} is malformed")
    attributes: dict[str, Any] = {name: str(entry[name]) for name in _TEXTS if entry.get(name)}
    attributes.update((name, True) for name in _FLAGS if entry.get(name) is True)
    attributes["domain"], attributes["path"] = domain, path or "/"
    expires = entry.get("expires_timestamp")
    if expires is not None:
        expires = float(expires)
        if expires != expires:
            raise ValueError(f"the cookie at {place!r} expires at no time")
    return Cookie(
        make_morsel(*texts, attributes),
        domain,
        path or "/",
        host_only=entry.get("host_only") is True,
        secure=entry.get("secure") is True,
        expires=expires,
    )
