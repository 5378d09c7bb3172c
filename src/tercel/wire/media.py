"""Media types, dispositions and their parameters, read in linear time and written.

In: Content-Type (RFC 9110 section 8.3) and Content-Disposition values (RFC 6266, 7578). Out: the
type in lower case and its parameters; what is malformed is left out, for a type that can't be read
means unknown octets, not a broken message. Writing refuses what would end a field early.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

__all__ = (
    "content_disposition_filename",
    "format_content_disposition",
    "is_token",
    "parse_content_disposition",
    "parse_content_type",
    "parse_parameters",
    "quote_parameter",
)

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: The charsets of RFC 8187 and of the senders before it; no others, for codecs run code.
_CHARSETS = {"utf-8": "utf-8", "iso-8859-1": "latin-1", "us-ascii": "ascii", "": "utf-8"}


@lru_cache(maxsize=256)
def parse_content_type(value: str) -> tuple[str, Mapping[str, str]]:
    """Type and parameters of a Content-Type value, names in lower case.

    What is no type/subtype of two tokens counts as "application/octet-stream".
    """
    kind, _, rest = value.partition(";")
    kind = kind.strip(" \t").lower()
    main, slash, sub = kind.partition("/")
    if not slash or not is_token(main) or not is_token(sub):
        kind = "application/octet-stream"
    return kind, MappingProxyType(parse_parameters(rest))


def is_token(text: str) -> bool:
    """True if `text` is a token (RFC 9110 section 5.6.2)."""
    return bool(text) and _TOKEN.issuperset(text)


def parse_parameters(text: str) -> dict[str, str]:
    """`name=value` pairs separated by semicolons; of two of one name the first counts."""
    found: dict[str, str] = {}
    position, end = 0, len(text)
    while position < end:
        mark = position
        while mark < end and text[mark] not in "=;":
            mark += 1
        name = text[position:mark].strip(" \t").lower()
        if mark >= end or text[mark] == ";":
            position = mark + 1
            continue
        value, position = _take_value(text, mark + 1, end)
        if is_token(name) and value is not None:
            found.setdefault(name, value)
    return found


def _take_value(text: str, position: int, end: int) -> tuple[str | None, int]:
    """The token or quoted string at `position`, and the place after the semicolon that ends it."""
    while position < end and text[position] in " \t":
        position += 1
    if position < end and text[position] == '"':
        pieces = []
        position += 1
        start = position
        while position < end and text[position] != '"':
            if text[position] == "\\" and position + 1 < end:
                pieces.append(text[start:position])
                position += 1
                start = position
            position += 1
        pieces.append(text[start:position])
        following = text.find(";", position)
        closed = position < end
        return ("".join(pieces) if closed else None), (end if following < 0 else following + 1)
    following = text.find(";", position)
    if following < 0:
        following = end
    return text[position:following].strip(" \t"), following + 1


def quote_parameter(value: str) -> str:
    """`value` as it stands after `name=`: a token as it is, anything else as a quoted string."""
    if is_token(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_content_disposition(header: str | None) -> tuple[str | None, dict[str, str]]:
    """Type and parameters of a Content-Disposition value; names in lower case.

    A parameter such as `filename*` is decoded (RFC 8187) and left out where that fails; the
    numbered pieces of RFC 2231 stay as they are. A type that is no token is None, as is that of no
    header at all, and there are no parameters then.
    """
    kind, _, rest = (header or "").partition(";")
    kind = kind.strip(" \t").lower()
    if not is_token(kind):
        return None, {}
    params = {}
    for name, text in parse_parameters(rest).items():
        if name[-1] == "*" and name.count("*") == 1:
            decoded = _decode_extended(text)
            if decoded is None:
                continue
            text = decoded
        params[name] = text
    return kind, params


def content_disposition_filename(params: Mapping[str, str], name: str = "filename") -> str | None:
    """The file name among the parameters of `parse_content_disposition`; None without one.

    `filename*` comes before `filename`, and this before pieces `filename*0`, `filename*1*`, ...
    (RFC 2231 section 3). It is what the sender wrote: a path of its own choosing.
    """
    if not params:
        return None
    if f"{name}*" in params:
        return params[f"{name}*"]
    if name in params:
        return params[name]
    pieces: list[str] = []
    extended = f"{name}*0*" in params
    while (index := len(pieces)) < len(params):
        plain = params.get(f"{name}*{index}")
        coded = params.get(f"{name}*{index}*")
        if plain is not None:
            pieces.append(plain.replace("%", "%25") if extended else plain)
        elif coded is not None and extended:
            pieces.append(coded)
        else:
            break
    if not pieces:
        return None
    return _decode_extended("".join(pieces)) if extended else "".join(pieces)


def _decode_extended(value: str) -> str | None:
    """The text of charset'language'percent-encoded octets; None where it is malformed."""
    charset, first, rest = value.partition("'")
    _, second, coded = rest.partition("'")
    codec = _CHARSETS.get(charset.lower())
    if not first or not second or codec is None or not coded.isascii() or _PERCENT.search(coded):
        return None
    from urllib.parse import unquote_to_bytes

    try:
        return unquote_to_bytes(coded).decode(codec)
    except UnicodeDecodeError:
        return None


def format_content_disposition(
    kind: str,
    parameters: Mapping[str, str],
    *,
    quote_fields: bool = True,
    charset: str = "utf-8",
) -> str:
    """A Content-Disposition value (client_reference, "FormData").

    With `quote_fields`, file names are percent-encoded and other texts beyond ASCII written as
    RFC 8187 has it; without, all are quoted strings as they are. Raises ValueError for a type or
    name that is no token, and for control characters that are not encoded.
    """
    if not is_token(kind):
        raise ValueError(f"Content-Disposition type is {kind!r}, expected a token")
    from urllib.parse import quote

    pieces = [kind]
    for name, text in parameters.items():
        if not is_token(name):
            raise ValueError(f"Content-Disposition parameter is named {name!r}, expected a token")
        if quote_fields and name.lower() == "filename":
            pieces.append(f'{name}="{quote(text, "", charset)}"')
        elif quote_fields and not text.isascii():
            pieces.append(f"{name}*={charset}''{quote(text, '', charset)}")
        elif _CONTROL.search(text):
            raise ValueError(f"Content-Disposition {name} holds a control character: {text!r}")
        else:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            pieces.append(f'{name}="{escaped}"')
    return "; ".join(pieces)
