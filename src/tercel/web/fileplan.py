"""What a request for a file gets, decided without touching the file.

In: facts about a file, the request's method and headers, the time. Out: a FilePlan: status,
headers, and which octets. Conditions in the order of RFC 9110 section 13.2.2, then the ranges of
section 14, several as multipart/byteranges; never more octets than the file has, but for what
separates the parts. Opens nothing, sends nothing, asks no clock.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..hdrs import IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE
from ..wire.dates import format_http_date, parse_http_date
from ..wire.ranges import (
    MAX_RANGES,
    ETag,
    matches_etag,
    parse_etags,
    parse_if_range,
    parse_ranges,
    satisfiable_spans,
)

__all__ = (
    "CONDITIONS",
    "SUFFIXES",
    "FileFacts",
    "FilePlan",
    "Part",
    "describe_file",
    "guess_content_type",
    "list_headers",
    "plan_answer",
)

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


#: The request headers that make the answer another one than the whole file.
CONDITIONS = (IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE, IF_MATCH, IF_UNMODIFIED_SINCE)

Pairs = tuple[tuple[str, str], ...]


class FileFacts(NamedTuple):
    """What answers say of a file at one time.

    `size` in octets; `tag` a strong entity tag; `modified` in whole seconds since 1970, None where
    that lies in the future; `coding` where the file is held in a content coding; `varies` is True
    where the same path has siblings in other codings.
    """

    size: int
    tag: ETag
    modified: int | None
    content_type: str
    coding: str | None = None
    varies: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What stands before a span of octets in multipart/byteranges, and the span."""

    preface: bytes
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class FilePlan:
    """An answer: `status` and `headers`, then `count` octets of body.

    They are those of the file from `offset` on; or, where there are `parts`, these one after the
    other and `tail`.
    """

    status: int
    headers: Pairs
    offset: int
    count: int
    parts: tuple[Part, ...] = ()
    tail: bytes = b""


def describe_file(
    stat: os.stat_result,
    content_type: str,
    now: float,
    coding: str | None = None,
    varies: bool = False,
) -> FileFacts:
    """The facts about a file whose stat result is `stat`; `now` in seconds since 1970.

    The tag is made of size and time of modification, and of the coding, so that a file and its
    sibling never share one. A time in the future is no Last-Modified (RFC 9110 section 8.8.2.1).
    """
    mark = f"-{coding}" if coding else ""
    tag = ETag(f"{stat.st_mtime_ns:x}-{stat.st_size:x}{mark}")
    modified: int | None = stat.st_mtime_ns // 1_000_000_000
    if modified is not None and modified > now:
        modified = None
    return FileFacts(stat.st_size, tag, modified, content_type, coding, varies)


def list_headers(facts: FileFacts, is_coded: bool = False) -> Pairs:
    """The headers of an answer with the whole file; `is_coded` as for `plan_answer`."""
    pairs = (("Content-Type", facts.content_type), *_validators(facts, is_coded))
    if facts.coding is not None:
        pairs += (("Content-Encoding", facts.coding),)
    if not is_coded:
        pairs += (("Accept-Ranges", "bytes"),)
    return pairs


def _validators(facts: FileFacts, is_coded: bool) -> Pairs:
    weak = "W/" if is_coded else ""
    pairs: Pairs = (("ETag", f'{weak}"{facts.tag.value}"'),)
    if facts.modified is not None:
        pairs += (("Last-Modified", format_http_date(facts.modified)),)
    if facts.varies:
        pairs += (("Vary", "Accept-Encoding"),)
    return pairs


def plan_answer(
    facts: FileFacts,
    method: str,
    headers: Mapping[str, str],
    *,
    now: float,
    status: int = 200,
    is_coded: bool = False,
    boundary: str = "",
) -> FilePlan:
    """What a request for the file is answered with.

    `status` is the one for the whole file; conditions and ranges are looked at for 200 only.
    `is_coded` says that a content coding is applied on the way: there are no ranges then, and the
    entity tag is weak. `boundary` separates the parts where several ranges are asked for, it must
    not be guessable; `now` is in seconds since 1970. More than `MAX_RANGES` ranges, or a unit
    other than octets, get the whole file.
    """
    if status == 200:
        failed = _find_failed_condition(facts, is_coded, method, headers)
        if failed == 304:
            return FilePlan(304, _validators(facts, is_coded), 0, 0)
        if failed is not None:
            return FilePlan(failed, (), 0, 0)
    known = list_headers(facts, is_coded)
    whole = FilePlan(status, known, 0, facts.size)
    text = headers.get("Range")
    if text is None or is_coded or status != 200 or method != "GET":
        return whole
    if text.lstrip()[:6].lower() != "bytes=" or text.count(",") >= MAX_RANGES:
        return whole
    if not _if_range_holds(headers.get("If-Range"), facts, now):
        return whole
    try:
        spans = satisfiable_spans(parse_ranges(text), facts.size)
    except ValueError:
        spans = []
    if not spans:
        return FilePlan(416, (("Content-Range", f"bytes */{facts.size}"),), 0, 0)
    if len(spans) > 1:
        return _plan_parts(facts, known, spans, boundary)
    start, end = spans[0]
    known += (("Content-Range", f"bytes {start}-{end - 1}/{facts.size}"),)
    return FilePlan(206, known, start, end - start)


def _plan_parts(
    facts: FileFacts, known: Pairs, spans: list[tuple[int, int]], boundary: str
) -> FilePlan:
    """Several spans as multipart/byteranges (RFC 9110 section 14.6)."""
    parts: list[Part] = []
    count = 0
    for start, end in spans:
        lines = (
            f"--{boundary}",
            f"Content-Type: {facts.content_type}",
            f"Content-Range: bytes {start}-{end - 1}/{facts.size}",
            "\r\n",
        )
        preface = "\r\n".join(lines).encode("utf-8", "surrogateescape")
        if parts:
            preface = b"\r\n" + preface
        parts.append(Part(preface, start, end - start))
        count += len(preface) + end - start
    tail = f"\r\n--{boundary}--\r\n".encode()
    kind = (("Content-Type", f"multipart/byteranges; boundary={boundary}"),)
    return FilePlan(206, kind + known[1:], 0, count + len(tail), tuple(parts), tail)


def _find_failed_condition(
    facts: FileFacts, is_coded: bool, method: str, headers: Mapping[str, str]
) -> int | None:
    """The status that a failed condition gives, None if all hold (RFC 9110 section 13.2.2)."""
    is_safe = method in ("GET", "HEAD")
    tag = ETag(facts.tag.value, is_coded)
    text = headers.get("If-Match")
    if text is not None:
        if not matches_etag(parse_etags(text), tag, strong=True):
            return 412
    elif facts.modified is not None:
        date = parse_http_date(headers.get("If-Unmodified-Since"))
        if date is not None and facts.modified > date.timestamp():
            return 412
    text = headers.get("If-None-Match")
    if text is not None:
        if matches_etag(parse_etags(text), tag, strong=False):
            return 304 if is_safe else 412
    elif is_safe and facts.modified is not None:
        date = parse_http_date(headers.get("If-Modified-Since"))
        if date is not None and facts.modified <= date.timestamp():
            return 304
    return None


def _if_range_holds(text: str | None, facts: FileFacts, now: float) -> bool:
    """False if the client has part of another version of the file (RFC 9110 section 13.1.5).

    A date proves nothing for a file that may have changed twice within its second.
    """
    if text is None:
        return True
    known = parse_if_range(text)
    if isinstance(known, ETag):
        return matches_etag((known,), facts.tag, strong=True)
    if known is None or facts.modified is None or facts.modified + 1 >= now:
        return False
    return known.timestamp() == facts.modified


def guess_content_type(path: str) -> str:
    """The media type that a file's name suggests, application/octet-stream if none.

    A compressed file is what its compression says: `.tar.gz` is application/gzip. Without a
    charset: that is not in the name.
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
