"""JSON as text, by whoever is asked to make it.

In: a value and a function, `json.dumps` as a rule. Out: what that function gives, or raises, a
fifth sooner where it is `json.dumps` itself.
"""

import json
from collections.abc import Callable
from typing import Any

__all__ = ("dump_text",)

_dumps = json.dumps
# Notes of the containers under way, by which a circle is told from depth, are a sixth of the work.
_encode = json.JSONEncoder(check_circular=False).encode


def dump_text(value: Any, dumps: Callable[[Any], Any]) -> Any:
    """What `dumps(value)` returns, or raises."""
    if dumps is not _dumps:
        return dumps(value)
    try:
        return _encode(value)
    except RecursionError:
        pass
    return _dumps(value)  # which tells a circle by its name
