"""JSON as text, made and read by whoever is asked to.

In: a value or text, and a function, `json.dumps` or `json.loads` as a rule. Out: what that function
gives, or raises, sooner where it is one of these two.
"""

import json
import json.encoder
from collections.abc import Callable
from typing import Any

__all__ = ("dump_text", "load_text")

_dumps = json.dumps
_loads = json.loads
#: What json.loads is made of, without the whitespace around a value.
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]


def _find_encode() -> Callable[[Any], str]:
    """`json.dumps` without its notes of the containers under way.

    A circle is told from depth by them, and they are a sixth of the work.
    """
    encoder = json.JSONEncoder(check_circular=False)
    # What json.dumps is made of; it makes one of these for every value.
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    quote = json.encoder.encode_basestring_ascii

    def default(value: Any) -> Any:
        return encoder.default(value)  # as it is by then: people do replace it

    iterate = make(None, default, quote, None, ": ", ", ", False, False, True)
    join = "".join
    return lambda value: join(iterate(value, 0))


_encode = _find_encode()


def dump_text(value: Any, dumps: Callable[[Any], Any]) -> Any:
    """What `dumps(value)` returns, or raises."""
    if dumps is not _dumps:
        return dumps(value)
    try:
        return _encode(value)
    except RecursionError:
        pass
    return _dumps(value)  # which tells a circle by its name


def load_text(text: Any, loads: Callable[[Any], Any]) -> Any:
    """What `loads(text)` returns, or raises."""
    if loads is _loads and type(text) is str:
        try:
            value, end = _scan(text, 0)
        except StopIteration:
            return loads(text)
        if end == len(text) or not text[end:].strip(" \t\n\r"):
            return value
    return loads(text)
