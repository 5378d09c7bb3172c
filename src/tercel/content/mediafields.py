"""What the fields of a message say of its body: type, charset, length.

In: an object with `headers`. Out: the three, None or the default where a field is missing.
"""

from collections.abc import Mapping
from typing import Any

from tercel.wire.media import parse_content_type

__all__ = ("HeadersMixin",)


class HeadersMixin:
    """`content_type`, `charset` and `content_length` for a class that has `headers`.

    They may be in `_headers` instead.
    """

    @property
    def content_type(self) -> str:
        """Type and subtype of Content-Type, application/octet-stream where it has none."""
        return self._media()[0]

    @property
    def charset(self) -> str | None:
        """The charset parameter of Content-Type, or None."""
        return self._media()[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """The value of Content-Length, or None. ValueError where it is no number."""
        stated = self._fields().get("Content-Length")
        return None if stated is None else int(stated)

    def _fields(self) -> Mapping[str, str]:
        holder: Any = self
        found: Mapping[str, str] | None = getattr(holder, "_headers", None)
        return holder.headers if found is None else found

    def _media(self) -> tuple[str, Mapping[str, str]]:
        stated = self._fields().get("Content-Type")
        return ("application/octet-stream", {}) if stated is None else parse_content_type(stated)
