"""Where code that imports aiohttp's submodules finds their names in Tercel.

`__aiohttp_modules__` maps the path of a submodule (`"web_request"`, for `aiohttp.web_request`) to the
dotted name of the module of ours that answers for it, or, where several rooms share its names, to a
dict of name to object. It is made when first asked for, since that imports every room it names.
Only rooms that are built have a row. Nothing else in Tercel imports this module.
"""

import importlib
from typing import Any

__all__ = ["__aiohttp_modules__"]

__aiohttp_modules__: dict[str, str | dict[str, Any]]

# The old path -> our module, where one answers for the whole of it.
_MODULES: dict[str, str] = {
    "abc": "tercel.abc",
    "client_exceptions": "tercel.client.errors",
    "hdrs": "tercel.hdrs",
    "resolver": "tercel.resolver",
    "typedefs": "tercel.typedefs",
    "web": "tercel.web",
    "web_exceptions": "tercel.web.errors",
}

# The old path -> our rooms, and what each of them holds of it.
_NAMES: dict[str, dict[str, str]] = {
    "web_request": {"tercel.web": "BaseRequest Request"},
}


def _collect(homes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for home, names in homes.items():
        module = importlib.import_module(home)
        for name in names.split():
            found[name] = getattr(module, name)
    return found


def __getattr__(name: str) -> Any:
    if name != "__aiohttp_modules__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    table: dict[str, str | dict[str, Any]] = dict(_MODULES)
    for path, homes in _NAMES.items():
        table[path] = _collect(homes)
    globals()[name] = table
    return table
