"""The libraries that content codings are made of: zlib or what stands in for it, brotli, zstd.

In: nothing, or the module that `set_zlib_backend` is given. Out: modules, None where one is not
installed. Looks once for each; imports none before somebody needs it.
"""

import sys
import zlib
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ("find_brotli", "find_zlib", "find_zstd", "has_zstd", "set_zlib_backend")

_NEEDED = ("compressobj", "decompressobj", "error")


class _Backend:
    """The module for gzip and deflate."""

    module: Any = zlib


def set_zlib_backend(lib: ModuleType) -> None:
    """Use `lib` for gzip, deflate and WebSockets from now on, such as `zlib_ng.zlib_ng`.

    It has the interface of Python's `zlib`, which is the default (client_reference,
    "set_zlib_backend"). TypeError for a module that lacks `compressobj`, `decompressobj` or
    `error`. Bodies under way keep what they began with.
    """
    missing = [name for name in _NEEDED if not hasattr(lib, name)]
    if missing:
        raise TypeError(f"{lib!r} has no {', '.join(missing)}, expected a module such as zlib")
    _Backend.module = lib


def find_zlib() -> Any:
    """The module for gzip and deflate."""
    return _Backend.module


@cache
def find_brotli() -> Any:
    """The module for br, None without one that can stop in mid-output (brotli 1.2)."""
    for name in ("brotli", "brotlicffi"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        if hasattr(module.Decompressor, "can_accept_more_data"):
            return module
    return None


@cache
def find_zstd() -> Any:
    """The module for zstd, of Python 3.14 or its backport; None without one."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


@cache
def has_zstd() -> bool:
    """True if `find_zstd` would find one; importing it costs some milliseconds."""
    names = ("_zstd", "backports.zstd") if sys.version_info >= (3, 14) else ("backports.zstd",)
    try:
        return any(find_spec(name) is not None for name in names)
    except ImportError:
        return False
