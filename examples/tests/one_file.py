"""Loads an example that is one file, as a module of its name."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ("FOLDER", "load")

FOLDER = Path(__file__).resolve().parent.parent


def load(name: str) -> ModuleType:
    """The module of examples/NAME.py."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
