"""Programs of others that tests speak with.

A missing one skips the test, or fails it where CI promises them all (TERCEL_REQUIRE_PEERS=1).
"""

import os
import shutil

import pytest

__all__ = ["require_program"]


def require_program(*names: str) -> str:
    """Return the path of the first program of `names` on PATH; skip the test when there is none.

    With TERCEL_REQUIRE_PEERS=1 in the environment the test fails instead of skipping.
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    sentence = f"needs {' or '.join(names)} on PATH, and it is not installed"
    if os.environ.get("TERCEL_REQUIRE_PEERS", "") not in ("", "0"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
