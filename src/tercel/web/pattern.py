r"""Paths of routes, read once when they are registered.

In: a path such as "/users/{id:\d+}/{name}". Out: a `Pattern`: its segments for the router's tree,
its regular expression, and the way back from values to a URL. Paths are compared in normal form:
percent-decoded, but for %2F and %25, so that a slash within a segment stays within it.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from yarl import URL

__all__ = ("Pattern", "Variable", "may_span_segments", "normal_path", "parse_pattern", "quote_path")

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_PATH_SAFE = "/:@!$&'()*+,;=-._~"
#: What `{name}` matches.
GOOD = r"[^{}/]+"


class Variable(NamedTuple):
    """A `{name}` or `{name:regex}` in a path; `regex` is None for the first form."""

    name: str
    regex: str | None


class Pattern(NamedTuple):
    """A path that was read.

    `segments` holds, for each segment, a str that must be equal, None for a plain `{name}`, or
    what it must match in full; it ends early, and `is_open` is True, where a regular expression
    may match slashes: from there on `regex` decides on the whole path. `depth` counts the leading
    segments without variables.
    """

    pieces: tuple[str | Variable, ...]
    names: tuple[str, ...]
    formatter: str
    regex: re.Pattern[str]
    segments: tuple[str | re.Pattern[str] | None, ...]
    is_open: bool
    depth: int

    def fill(self, values: Mapping[str, object]) -> str:
        """The path, percent-encoded, with `values` for its variables. Raises KeyError for a gap."""
        parts = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(quote_path(piece))
            else:
                parts.append(quote(str(values[piece.name]), safe=_PATH_SAFE))
        return "".join(parts)


def normal_path(path: str) -> str:
    """The normal form of a path: decoded, but for %2F, %25 and what is no UTF-8."""
    if "%" not in path:
        return path
    path = _LONE_PERCENT.sub("%25", path)
    try:
        return URL.build(path=path, encoded=True).path_safe
    except (UnicodeError, ValueError):
        return path


def quote_path(path: str) -> str:
    """A path in normal form, percent-encoded for a URL."""
    return quote(path, safe=_PATH_SAFE + "%")


def parse_pattern(path: str, prefix: str = "") -> Pattern:
    """Read `path`; `prefix`, in normal form and without variables, is put before it.

    Raises ValueError for unbalanced braces, a bad name, or a regular expression that is none.
    """
    pieces = _split_pieces(path)
    if prefix:
        if pieces and isinstance(pieces[0], str):
            pieces[0] = prefix + pieces[0]
        else:
            pieces.insert(0, prefix)
    source = _regex_source(pieces)
    try:
        regex = re.compile(source)
    except re.error as error:
        raise ValueError(f"Bad pattern {source!r}: {error}") from None
    segments: list[str | re.Pattern[str] | None] = []
    is_open = False
    depth = 0
    for segment in _split_segments(pieces):
        if not any(isinstance(piece, Variable) for piece in segment):
            text = "".join(str(piece) for piece in segment)
            if depth == len(segments):
                depth += 1
            segments.append(text)
        elif len(segment) == 1 and isinstance(segment[0], Variable) and segment[0].regex is None:
            segments.append(None)
        elif any(
            isinstance(piece, Variable) and piece.regex is not None
            and may_span_segments(piece.regex)
            for piece in segment
        ):  # fmt: skip
            is_open = True
            break
        else:
            segments.append(re.compile(_regex_source(segment)))
    return Pattern(
        pieces=tuple(pieces),
        names=tuple(regex.groupindex),
        formatter="".join(
            piece if isinstance(piece, str) else f"{{{piece.name}}}" for piece in pieces
        ),
        regex=regex,
        segments=tuple(segments),
        is_open=is_open,
        depth=depth,
    )


def _regex_source(pieces: list[str | Variable]) -> str:
    return "".join(
        re.escape(piece)
        if isinstance(piece, str)
        else f"(?P<{piece.name}>{GOOD if piece.regex is None else piece.regex})"
        for piece in pieces
    )


def _split_pieces(path: str) -> list[str | Variable]:
    pieces: list[str | Variable] = []
    start = 0
    while True:
        opening = path.find("{", start)
        literal = path[start:] if opening < 0 else path[start:opening]
        if "}" in literal:
            raise ValueError(f"Invalid path {path!r}[{literal!r}]")
        if literal:
            pieces.append(normal_path(literal))
        if opening < 0:
            return pieces
        start = _find_closing(path, opening) + 1
        name, colon, regex = path[opening + 1 : start - 1].partition(":")
        if _NAME.fullmatch(name) is None or (colon and not regex):
            raise ValueError(f"Invalid path {path!r}[{path[opening:start]!r}]")
        pieces.append(Variable(name, regex if colon else None))


def _find_closing(path: str, opening: int) -> int:
    """The position of the brace that closes the one at `opening`."""
    depth = 0
    i = opening
    while i < len(path):
        char = path[i]
        if char == "\\":
            i += 1
        elif char == "[":
            end = _find_class_end(path, i)
            if end > 0:
                i = end
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return i
        i += 1
    raise ValueError(f"Invalid path {path!r}[{path[opening:]!r}]")


def _find_class_end(text: str, opening: int) -> int:
    """The position of the bracket that closes a character class, -1 where none does."""
    i = opening + 1
    if text[i : i + 1] == "^":
        i += 1
    if text[i : i + 1] == "]":
        i += 1
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == "]":
            return i
        i += 1
    return -1


def _split_segments(pieces: list[str | Variable]) -> list[list[str | Variable]]:
    """What stands between slashes; the empty text before the first slash is left out."""
    segments: list[list[str | Variable]] = [[]]
    for piece in pieces:
        if isinstance(piece, Variable):
            segments[-1].append(piece)
            continue
        first, *rest = piece.split("/")
        if first:
            segments[-1].append(first)
        for text in rest:
            segments.append([text] if text else [])
    return segments[1:] if not segments[0] and len(segments) > 1 else segments


def may_span_segments(regex: str) -> bool:
    """False only where `regex` can't match a slash, nor look outside of what it matches."""
    i = 0
    while i < len(regex):
        char = regex[i]
        if char in "./^$":
            return True
        if char == "\\":
            i += 1
            if _escape_may_match_slash(regex[i : i + 1]):
                return True
        elif char == "[":
            end = _find_class_end(regex, i)
            if end < 0 or _class_may_match_slash(regex[i + 1 : end]):
                return True
            i = end
        elif char == "(" and regex[i + 1 : i + 2] == "?" and regex[i + 2 : i + 3] != ":":
            return True
        i += 1
    return False


def _escape_may_match_slash(char: str) -> bool:
    return not char or char == "/" or (char.isalnum() and char not in "dws")


def _class_may_match_slash(text: str) -> bool:
    is_negated = text.startswith("^")
    if is_negated:
        return "/" not in text or "\\" in text or "-" in text
    if "/" in text:
        return True
    i = 0
    while i < len(text):
        if text[i] == "\\":
            if _escape_may_match_slash(text[i + 1 : i + 2]):
                return True
            i += 2
        elif text[i + 1 : i + 2] == "-" and i + 2 < len(text):
            if text[i + 2] == "\\" or text[i] <= "/" <= text[i + 2]:
                return True
            i += 3
        else:
            i += 1
    return False
