"""What packages take from aiohttp's inner modules though no page documents it.

`tercel.compat` hands it out under the old paths; nothing of ours uses it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from multidict import MultiDict, MultiDictProxy

from tercel.wire.media import parse_content_type, parse_parameters

__all__ = ("HeadersMixin", "MimeType", "parse_mimetype")


class HeadersMixin:
    """`content_type`, `charset` and `content_length` for a class that has `headers`.

    Headers may be in `_headers` instead. The type is "application/octet-stream" where none is
    stated, or none that can be read; what else is not stated is None.
    """

    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters."""
        return self._media()[0]

    @property
    def charset(self) -> str | None:
        """The charset parameter of the media type."""
        return self._media()[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """Octets of the body. ValueError where the field holds no number."""
        stated = self._fields().get("Content-Length")
        return None if stated is None else int(stated)

    def _fields(self) -> Mapping[str, str]:
        found: Any = getattr(self, "_headers", None)
        return self.headers if found is None else found

    def _media(self) -> tuple[str, Mapping[str, str]]:
        stated = self._fields().get("Content-Type")
        return ("application/octet-stream", {}) if stated is None else parse_content_type(stated)


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
