"""What a part calls itself: names and file names in Content-Disposition, read and written.

In: field values of a part (RFC 7578 section 4.2) or names and file names. Out: names as their
sender meant them, in every way that browsers and programs write them. Reading a part never warns:
what comes from a peer is no reason to fill a log.
"""

import re
import warnings

from tercel.wire.media import (
    content_disposition_filename,
    parse_parameters,
)
from tercel.wire.media import (
    parse_content_disposition as parse_silently,
)

__all__ = (
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "format_form_disposition",
    "parse_content_disposition",
    "read_part_names",
)

#: What browsers write in a quoted name (HTML, "multipart form data"), and nothing else.
_ESCAPES = {"%22": '"', "%0d": "\r", "%0a": "\n"}
_ESCAPED = re.compile("%(?:22|0[da])", re.IGNORECASE)
_BACKSLASH = re.compile(r"\\([\"\\])|\\")
#: A field as browsers write it, who know no escaped quotes: before a quote a backslash is itself.
_AS_BROWSERS = re.compile(r'form-data; name="([^"]*)"(?:; filename="([^"]*)")?')


class BadContentDispositionHeader(RuntimeWarning):
    """A Content-Disposition value can't be read."""


class BadContentDispositionParam(RuntimeWarning):
    """A parameter of a Content-Disposition value can't be read."""


def parse_content_disposition(header: str | None) -> tuple[str | None, dict[str, str]]:
    """Type and parameters as `wire.media.parse_content_disposition` gives them, with warnings.

    BadContentDispositionHeader for a type that is no token, BadContentDispositionParam where a
    parameter is left out.
    """
    kind, params = parse_silently(header)
    if header and kind is None:
        warnings.warn(
            "a Content-Disposition has no type that can be read",
            BadContentDispositionHeader,
            stacklevel=2,
        )
    elif header:
        rest = header.partition(";")[2]
        if len(params) < len(parse_parameters(rest)) or (rest.strip() and not params):
            warnings.warn(
                "a parameter of a Content-Disposition can't be read",
                BadContentDispositionParam,
                stacklevel=2,
            )
    return kind, params


def read_part_names(header: str | None) -> tuple[str | None, str | None]:
    """Name and file name of a part; None for what isn't there.

    A file name may be RFC 8187's, in pieces (RFC 2231), quoted, or raw octets of UTF-8. The escapes
    `%22`, `%0D` and `%0A` of browsers are undone, and a backslash counts only before a quote or
    another backslash, for browsers send those of names as they are; one that ends a name as they
    write it is no escape.
    """
    if header is None:
        return None, None
    if '\\"' in header:
        found = _AS_BROWSERS.fullmatch(header)
        if found is not None:
            return _unescape(found[1]), None if found[2] is None else _unescape(found[2])
    if "\\" in header:
        header = _BACKSLASH.sub(lambda each: each[0] if each[1] else "\\\\", header)
    kind, params = parse_silently(header)
    name = content_disposition_filename(params, "name")
    filename = content_disposition_filename(params, "filename")
    if kind == "form-data":
        if name is not None and "name*" not in params:
            name = _unescape(name)
        if filename is not None and "filename*" not in params:
            filename = _unescape(filename)
    return name, filename


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0].lower()], text)


def format_form_disposition(
    name: str, filename: str | None, quote_fields: bool = True, charset: str = "utf-8"
) -> str:
    """Content-Disposition of a form's field (RFC 7578 section 4.2), in octets of `charset`.

    With `quote_fields` quotes and line breaks are escaped as browsers do it; without, quotes and
    backslashes get a backslash before them, and ValueError is raised for a line break.
    """
    value = f"form-data; name={_quote(name, quote_fields)}"
    if filename is not None:
        value += f"; filename={_quote(filename, quote_fields)}"
    if charset.lower() in ("utf-8", "utf8"):
        return value
    return value.encode(charset).decode("utf-8", "surrogateescape")


def _quote(text: str, as_browsers: bool) -> str:
    if as_browsers:
        text = text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    elif "\r" in text or "\n" in text:
        raise ValueError(f"the name {text!r} holds a line break")
    else:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
