"""What a request for a file gets, decided without touching the file.

In: the file's path and stat result, the request's method and headers. Out: a FilePlan: status,
headers, and which octets of which path. Conditions in the order of RFC 9110 section 13.2.2, then
one range of section 14. Several ranges, and units other than bytes, are answered with the whole
file. Opens nothing, sends nothing.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..wire.dates import format_http_date, parse_http_date
from ..wire.ranges import ETag, parse_etags, parse_range_slice

__all__ = ("SUFFIXES", "FilePlan", "guess_content_type", "plan_answer")

# What the standard library's table lacks in one of the Python versions, or names by an older name.
_TYPES = {
    ".avif": "image/avif",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_CODED_TYPES = {
    "br": "application/x-brotli",
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
    "zstd": "application/zstd",
}
# Siblings that hold a file in a content coding, most wanted first.
SUFFIXES = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}

_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FilePlan:
    """An answer: `count` octets of `path` from `offset` on, after `status` and `headers`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    offset: int
    count: int
    path: str


def plan_answer(
    path: str,
    stat: os.stat_result,
    method: str,
    headers: Mapping[str, str],
    *,
    status: int = 200,
    is_coded: bool = False,
    coding: str | None = None,
) -> FilePlan:
    """What the file at `path` is answered with.

    `status` is the one for the whole file; conditions and ranges are looked at for 200 only.
    `is_coded` says that a content coding is applied on the way: there are no ranges then, and the
    entity tag is weak. `coding` says that `stat` is that of the file's sibling in this coding.
    """
    size = stat.st_size
    tag = ETag(f"{stat.st_mtime_ns:x}-{size:x}", is_coded)
    modified = math.ceil(stat.st_mtime)
    quoted = f'W/"{tag.value}"' if is_coded else f'"{tag.value}"'
    known: tuple[tuple[str, str], ...]
    known = (("ETag", quoted), ("Last-Modified", format_http_date(modified)))
    content_type = guess_content_type(path)
    if coding is not None:
        path += SUFFIXES[coding]
        known += (("Content-Encoding", coding), ("Vary", "Accept-Encoding"))
    if status == 200:
        failed = _find_failed_condition(tag, modified, method, headers)
        if failed == 304:
            kept = tuple(pair for pair in known if pair[0] != "Content-Encoding")
            return FilePlan(304, kept, 0, 0, path)
        if failed is not None:
            return FilePlan(failed, (), 0, 0, path)
    known = (("Content-Type", content_type), *known)
    if is_coded:
        return FilePlan(status, known, 0, size, path)
    known += (("Accept-Ranges", "bytes"),)
    text = headers.get("Range")
    if text is None or status != 200 or method != "GET" or not _is_one_range(text):
        return FilePlan(status, known, 0, size, path)
    if not _if_range_holds(headers.get("If-Range"), tag, modified):
        return FilePlan(status, known, 0, size, path)
    offset, end = _find_range(text, size)
    if offset >= end:
        return FilePlan(416, (("Content-Range", f"bytes */{size}"),), 0, 0, path)
    known += (("Content-Range", f"bytes {offset}-{end - 1}/{size}"),)
    return FilePlan(206, known, offset, end - offset, path)


def _find_failed_condition(
    tag: ETag, modified: int, method: str, headers: Mapping[str, str]
) -> int | None:
    """The status that a failed condition gives, None if all hold (RFC 9110 section 13.2.2)."""
    is_safe = method in ("GET", "HEAD")
    text = headers.get("If-Match")
    if text is not None:
        if not any(_is_any(one) or _matches_strongly(one, tag) for one in parse_etags(text)):
            return 412
    else:
        date = parse_http_date(headers.get("If-Unmodified-Since"))
        if date is not None and modified > date.timestamp():
            return 412
    text = headers.get("If-None-Match")
    if text is not None:
        if any(_is_any(one) or one.value == tag.value for one in parse_etags(text)):
            return 304 if is_safe else 412
    elif is_safe:
        date = parse_http_date(headers.get("If-Modified-Since"))
        if date is not None and modified <= date.timestamp():
            return 304
    return None


def _is_any(tag: ETag) -> bool:
    return tag.value == "*"


def _matches_strongly(one: ETag, other: ETag) -> bool:
    return one.value == other.value and not one.is_weak and not other.is_weak


def _if_range_holds(text: str | None, tag: ETag, modified: int) -> bool:
    """False if the client has part of another version of the file (RFC 9110 section 13.1.5)."""
    if text is None:
        return True
    if '"' in text:
        return any(_matches_strongly(one, tag) for one in parse_etags(text))
    date = parse_http_date(text)
    return date is not None and date.timestamp() == modified


def _is_one_range(text: str) -> bool:
    return text.lstrip()[:6].lower() == "bytes=" and "," not in text


def _find_range(text: str, size: int) -> tuple[int, int]:
    """The octets from the first to before the second; an empty range cannot be satisfied."""
    try:
        wanted = parse_range_slice(text)
    except ValueError:
        return 0, 0
    suffix = text.partition("=")[2].strip()
    if suffix.startswith("-") and not suffix.strip("-0"):
        return 0, 0
    start, end, _ = wanted.indices(size)
    return start, end


def guess_content_type(path: str) -> str:
    """The media type that a file's name suggests, application/octet-stream if none.

    A compressed file is what its compression says: `.tar.gz` is application/gzip.
    """
    suffix = os.path.splitext(path)[1].lower()
    found = _TYPES.get(suffix)
    if found is not None:
        return found
    import mimetypes

    kind, coding = mimetypes.guess_type(path)
    if coding is not None:
        return _CODED_TYPES.get(coding, _UNKNOWN_TYPE)
    return kind or _UNKNOWN_TYPE
