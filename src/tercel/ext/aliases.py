"""The libraries beside aiohttp under their own names: `import aiohttp_session` gives our room.

In: `install()`. Out: those names of `COMPANIONS` that are not installed lead to rooms of
`tercel.ext`; what is installed is left alone. The modules are the very same objects, so a session
put in under one name is there under the other.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Any, Final

__all__ = ("COMPANIONS", "install", "uninstall")

#: The old path -> our module.
COMPANIONS: Final[dict[str, str]] = {
    "aiohttp_cors": "tercel.ext.cors",
    "aiohttp_jinja2": "tercel.ext.jinja2",
    "aiohttp_security": "tercel.ext.security",
    "aiohttp_security.abc": "tercel.ext.security.abc",
    "aiohttp_session": "tercel.ext.session",
    "aiohttp_session.cookie_storage": "tercel.ext.session.cookie_storage",
    "aiohttp_session.memcached_storage": "tercel.ext.session.memcached_storage",
    "aiohttp_session.nacl_storage": "tercel.ext.session.nacl_storage",
    "aiohttp_session.redis_storage": "tercel.ext.session.redis_storage",
    "aiojobs": "tercel.ext.jobs",
    "aiojobs.aiohttp": "tercel.ext.jobs.handlers",
    "aioredis": "tercel.ext.aioredis",
}


def install() -> None:
    """From now on the names of `COMPANIONS` that nobody else answers for give our rooms."""
    if _PARTS not in sys.meta_path:
        sys.meta_path.insert(0, _PARTS)
        sys.meta_path.append(_WHOLES)


def uninstall() -> None:
    """Undo `install()`; what has been imported keeps its name where it was imported."""
    if _PARTS in sys.meta_path:
        sys.meta_path.remove(_PARTS)
        sys.meta_path.remove(_WHOLES)
        for name, home in COMPANIONS.items():
            if name in sys.modules and sys.modules[name] is sys.modules.get(home):
                del sys.modules[name]


class _Loader(importlib.abc.Loader):
    """Hands out modules that exist already, as they are."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(COMPANIONS[spec.name])
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The machinery has written the alias's spec over the module's own.
        alias = module.__spec__.name if module.__spec__ is not None else ""
        own = self._specs.pop(alias, None)
        if own is not None:
            module.__spec__ = own


class _Wholes(importlib.abc.MetaPathFinder):
    """Stands last: answers for libraries that are not installed."""

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in COMPANIONS or "." in name:
            return None
        return importlib.machinery.ModuleSpec(name, _LOADER)


class _Parts(importlib.abc.MetaPathFinder):
    """Stands first: answers for the parts of those, which would be found in our folders and be
    loaded a second time.
    """

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        whole, dot, _ = name.partition(".")
        home = COMPANIONS.get(whole)
        if not dot or home is None or sys.modules.get(whole) is not sys.modules.get(home, name):
            return None
        if name not in COMPANIONS:
            raise ModuleNotFoundError(
                f"Tercel, which stands in for {whole}, has no counterpart of {name!r}", name=name
            )
        return importlib.machinery.ModuleSpec(name, _LOADER)


_LOADER = _Loader()
_PARTS = _Parts()
_WHOLES = _Wholes()
