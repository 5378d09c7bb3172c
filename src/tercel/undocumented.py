"""What packages take from aiohttp's inner modules though no page documents it.

`tercel.compat` hands it out under the old paths; nothing of ours uses it.
"""

from typing import NamedTuple

from multidict import MultiDict, MultiDictProxy

from tercel.wire.media import parse_parameters

__all__ = ("MimeType", "parse_mimetype")


class MimeType(NamedTuple):
    """A media type in its parts: "application/problem+json" has the subtype "problem"."""

    type: str
    subtype: str
    suffix: str
    parameters: MultiDictProxy[str]


def parse_mimetype(mimetype: str) -> MimeType:
    """The parts of a media type; those that are missing are empty, "*" alone is "*/*"."""
    whole, _, rest = mimetype.partition(";")
    whole = whole.strip().lower()
    kind, _, subtype = ("*/*" if whole == "*" else whole).partition("/")
    subtype, _, suffix = subtype.partition("+")
    return MimeType(kind, subtype, suffix, MultiDictProxy(MultiDict(parse_parameters(rest))))
