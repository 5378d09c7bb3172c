"""WWW-Authenticate and its kin (RFC 9110 section 11): challenges read in linear time.

In: a field value. Out: schemes in lower case with their parameters. Reading stops where the value
breaks the grammar; a challenge that was whole by then counts. Knows no scheme in particular.
"""

import re
from typing import NamedTuple

__all__ = ("Challenge", "parse_challenges", "quote_string")

_PARAMETER = re.compile(
    r"""([!#$%&'*+\-.^_`|~\w]+)[ \t]*=[ \t]*"""
    r"""(?:"((?:[^"\\]|\\.)*)"|([^\s",=][^\s",]*))[ \t]*(?=,|$)""",
    re.ASCII,
)
_SCHEME = re.compile(r"([!#$%&'*+\-.^_`|~\w]+)(?:[ \t]+|(?=,|$))", re.ASCII)
_TOKEN68 = re.compile(r"[\w\-.~+/]+=*[ \t]*(?=,|$)", re.ASCII)
_ESCAPE = re.compile(r"\\(.)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Challenge(NamedTuple):
    """One challenge: the scheme and the names of its parameters are in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(value: str) -> list[Challenge]:
    """The challenges of one field value; of two parameters of one name the first counts.

    A token68 in place of parameters is left out.
    """
    found: list[Challenge] = []
    position, end = 0, len(value)
    while position < end:
        if value[position] in " \t,":
            position += 1
            continue
        parameter = _PARAMETER.match(value, position) if found else None
        if parameter is not None:
            name, quoted, token = parameter.groups()
            text = token if quoted is None else _ESCAPE.sub(r"\1", quoted)
            found[-1].parameters.setdefault(name.lower(), text)
            position = parameter.end()
            continue
        scheme = _SCHEME.match(value, position)
        if scheme is None:
            break
        found.append(Challenge(scheme[1].lower(), {}))
        position = scheme.end()
        if not _PARAMETER.match(value, position):
            token68 = _TOKEN68.match(value, position)
            if token68 is not None and "," not in value[scheme.end(1) : position]:
                position = token68.end()
    return found


def quote_string(text: str) -> str:
    """`text` as a quoted string (RFC 9110 section 5.6.4); ValueError for control characters."""
    if _CONTROL.search(text):
        raise ValueError(f"a quoted string holds no control characters, got {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
