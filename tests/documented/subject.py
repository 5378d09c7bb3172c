"""Which library the documented statements are read against, and where Tercel does better.

TERCEL_SUBJECT is `tercel` (the default) or `aiohttp`. Nothing here imports the other one.
"""

import importlib
import os
from types import SimpleNamespace
from typing import Any

import pytest

__all__ = ["IS_AIOHTTP", "IS_TERCEL", "SUBJECT", "improvement", "load"]

SUBJECT = os.environ.get("TERCEL_SUBJECT", "tercel")
IS_TERCEL = SUBJECT == "tercel"
IS_AIOHTTP = SUBJECT == "aiohttp"


def load(name: str = "") -> Any:
    """Import the subject's submodule `name` (such as `web` or `abc`), or the subject itself.

    What Tercel keeps elsewhere is found as its table of aiohttp's modules says.
    """
    if not name:
        return importlib.import_module(SUBJECT)
    try:
        return importlib.import_module(f"{SUBJECT}.{name}")
    except ModuleNotFoundError:
        if IS_AIOHTTP:
            raise
        found = importlib.import_module("tercel.compat").__aiohttp_modules__[name]
        return (
            SimpleNamespace(**found) if isinstance(found, dict) else importlib.import_module(found)
        )


def improvement(why: str) -> Any:
    """Mark a statement that only Tercel holds; it is skipped on aiohttp, with the reason."""
    return pytest.mark.skipif(IS_AIOHTTP, reason=f"an improvement of Tercel: {why}")
