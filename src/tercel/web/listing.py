"""A page that lists a directory: names, sizes, times, and the way up.

In: a directory's path, the path of its URL, and whether there is something above it. Out: HTML that
needs nothing else: no script, no font, no picture; what a name holds is text and nothing more.
"""

import base64
import hashlib
import heapq
import html
import os
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from urllib.parse import quote

__all__ = ("MAX_LISTED", "list_policies", "make_listing")

#: Entries that one page shows; of more than that the first by name.
MAX_LISTED = 10_000

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}"
    "th{text-align:left;font-weight:600}"
    "th,td{padding:.4rem .5rem;border-bottom:1px solid color-mix(in srgb,currentColor 15%,#0000)}"
    "td:first-child{overflow-wrap:anywhere}"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "a{color:light-dark(#0b57a4,#8ec5ff);text-decoration:none;display:block}"
    "a:hover,a:focus{text-decoration:underline}"
    "@media(max-width:34rem){.t{display:none}}"
)


@cache
def list_policies() -> dict[str, str]:
    """The headers that go with the page: no script runs in it, and no copy of it grows old."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'",
        "X-Content-Type-Options": "nosniff",
    }


class Listed(NamedTuple):
    """One entry: its name, whether it is a directory, its size and time where they are known."""

    name: str
    is_folder: bool
    size: int | None
    modified: float | None


def make_listing(
    path: str, base: str, has_parent: bool, is_shown: "Callable[[os.DirEntry[str]], bool]"
) -> str:
    """The page for the directory at `path`, whose URL has the decoded path `base`.

    Directories come first, then files, by name; entries for which `is_shown` is False are left out.
    Blocks; raises OSError where the directory can't be read.
    """
    entries, left_out = _list_entries(path, is_shown)
    title = html.escape(f"Index of {base or '/'}")
    rows = []
    if has_parent:
        above = quote(base.rpartition("/")[0] + "/")
        rows.append(f'<tr><td><a href="{html.escape(above)}">../</a><td class=n><td class="n t">')
    rows.extend(_make_row(base, entry) for entry in entries)
    note = f"<p>{left_out} more are not shown.</p>\n" if left_out else ""
    if not rows:
        note = "<p>There is nothing here.</p>\n"
    listing = "\n".join(rows)
    return (
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        "<meta name=viewport content='width=device-width'>\n<meta name=robots content=noindex>\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        "<table>\n<thead><tr><th>Name<th class=n>Size<th class='n t'>Modified</thead>\n"
        f"<tbody>\n{listing}\n</tbody>\n</table>\n{note}</body>\n</html>\n"
    )


def _list_entries(
    path: str, is_shown: "Callable[[os.DirEntry[str]], bool]"
) -> tuple[list[Listed], int]:
    """What is shown, in order, and how many are not."""
    with os.scandir(path) as found:
        keyed = [(not _is_folder(entry), entry.name, entry) for entry in found if is_shown(entry)]
    if len(keyed) > MAX_LISTED:
        shown = heapq.nsmallest(MAX_LISTED, keyed, key=lambda item: item[:2])
    else:
        shown = sorted(keyed, key=lambda item: item[:2])
    return [_look_at(item[2], not item[0]) for item in shown], len(keyed) - len(shown)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _look_at(entry: "os.DirEntry[str]", is_folder: bool) -> Listed:
    """Facts of the entry itself: where a link leads is not told."""
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return Listed(entry.name, is_folder, None, None)
    size = None if is_folder or entry.is_symlink() else found.st_size
    return Listed(entry.name, is_folder, size, found.st_mtime)


def _make_row(base: str, entry: Listed) -> str:
    raw = os.fsencode(entry.name)
    mark = "/" if entry.is_folder else ""
    link = quote(base) + "/" + quote(raw) + mark
    label = html.escape(raw.decode("utf-8", "replace"))
    size = "" if entry.size is None else format_size(entry.size)
    when = ""
    if entry.modified is not None:
        year, month, day, hour, minute = time.gmtime(max(0, entry.modified))[:5]
        when = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}"
    return (
        f'<tr><td><a href="{html.escape(link)}">{label}{mark}</a>'
        f'<td class=n>{size}<td class="n t">{when}'
    )


def format_size(size: int) -> str:
    """A number of octets for people: "12 B", "3.4 MB"; a KB has 1000."""
    amount = float(size)
    for unit in _UNITS:
        if amount < 999.5 or unit == _UNITS[-1]:
            break
        amount /= 1000
    return f"{size} B" if unit == "B" else f"{amount:.{1 if amount < 99.5 else 0}f} {unit}"
