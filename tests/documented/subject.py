"""Which library the documented statements are read against, and how a test says that Tercel does better.

TERCEL_SUBJECT is `tercel` (the default) or `aiohttp`. Nothing here imports the other one.
"""

import importlib
import os
from types import ModuleType
from typing import Any

import pytest

__all__ = ["IS_AIOHTTP", "IS_TERCEL", "SUBJECT", "improvement", "load"]

SUBJECT = os.environ.get("TERCEL_SUBJECT", "tercel")
IS_TERCEL = SUBJECT == "tercel"
IS_AIOHTTP = SUBJECT == "aiohttp"


def load(name: str = "") -> ModuleType:
    """Import the subject's submodule `name` (such as `web` or `abc`), or the subject itself."""
    return importlib.import_module(f"{SUBJECT}.{name}" if name else SUBJECT)


def improvement(why: str) -> Any:
    """Mark a statement that only Tercel holds; it is skipped on aiohttp, with the reason."""
    return pytest.mark.skipif(IS_AIOHTTP, reason=f"an improvement of Tercel: {why}")
