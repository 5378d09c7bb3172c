"""JSON as text, by whoever is asked to make it.

In: a value and a function, `json.dumps` as a rule. Out: what that function gives, or raises, a
fifth sooner where it is `json.dumps` itself.
"""

import json
import json.encoder
from collections.abc import Callable
from typing import Any

__all__ = ("dump_text",)

_dumps = json.dumps


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
