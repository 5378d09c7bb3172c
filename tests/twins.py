"""Both builds of a compiled module in one test session, to compare what they do with one input.

`load_pure` gives the interpreted twin of a module: it and everything of ours that it imports come
from the `.py` files and live beside the modules that `import` gives, which stay as they are.
"""

import importlib
import sys
from types import ModuleType

from tercel._build import COMPILED, PureFinder

__all__ = ["load_pure", "load_twins"]

_pure: dict[str, ModuleType] = {}


def _is_ours(name: str) -> bool:
    return name == "tercel" or name.startswith("tercel.")


def load_pure(name: str) -> ModuleType:
    """Return the module `name` of the package tercel, loaded from its `.py` file."""
    if name in _pure:
        return _pure[name]
    shown = {key: module for key, module in sys.modules.items() if _is_ours(key)}
    finder = PureFinder()
    for key in shown:
        del sys.modules[key]
    sys.modules.update(_pure)
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(name)
        _pure.update((key, m) for key, m in sys.modules.items() if _is_ours(key))
    finally:
        sys.meta_path.remove(finder)
        for key in [key for key in sys.modules if _is_ours(key)]:
            del sys.modules[key]
        sys.modules.update(shown)
    return _pure[name]


def load_twins(name: str) -> list[ModuleType]:
    """Return the module `name` as it runs, and its interpreted twin where it runs compiled."""
    running = importlib.import_module(name)
    return [running, load_pure(name)] if COMPILED else [running]
