"""The client half of the house: sessions, requests, answers, connections. Never imports web.

`tercel.client.ClientSession` and what else stands at the front door can be had here too, since
aiohttp has a module of this name.
"""

from importlib import import_module
from typing import Any

__all__: tuple[str, ...] = ()


def __getattr__(name: str) -> Any:
    front = import_module("tercel")
    if name.startswith("_") or name not in front.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(front, name)
