"""Programs of others that tests speak with.

A missing one skips the test, or fails it where CI promises them all (TERCEL_REQUIRE_PEERS=1).
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["require_folder", "require_node_module", "require_program", "require_target"]


def require_program(*names: str) -> str:
    """Return the path of the first program of `names` on PATH; skip the test when there is none.

    With TERCEL_REQUIRE_PEERS=1 in the environment the test fails instead of skipping.
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    _miss(f"needs {' or '.join(names)} on PATH, and it is not installed")


def _miss(sentence: str) -> NoReturn:
    if os.environ.get("TERCEL_REQUIRE_PEERS", "") not in ("", "0"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def require_node_module(name: str) -> tuple[str, dict[str, str]]:
    """Return Node's path and the environment in which `require(name)` works; skip as above.

    The module is looked for where Node looks (NODE_PATH) and in build/node/node_modules, where
    `npm install --prefix build/node` puts it.
    """
    node = require_program("node", "nodejs")
    folder = Path(__file__).resolve().parent.parent / "build" / "node" / "node_modules"
    paths = [os.environ.get("NODE_PATH", ""), str(folder)]
    environment = {**os.environ, "NODE_PATH": os.pathsep.join(filter(None, paths))}
    code = f"require({name!r})"
    if subprocess.run([node, "-e", code], env=environment, capture_output=True).returncode == 0:
        return node, environment
    _miss(f"needs Node's {name}: npm install --prefix build/node {name}")


def require_target(name: str) -> str:
    """Return the folder build/NAME, into which pip has put the package NAME; skip as above.

    A folder of its own, because its dependencies would not agree with ours.
    """
    return require_folder(name, name)


def require_folder(name: str, package: str) -> str:
    """Return the folder build/NAME, into which pip has put `package` too; skip as above."""
    folder = Path(__file__).resolve().parent.parent / "build" / name
    if not (folder / package).is_dir():
        _miss(f"needs {package}: python -m pip install --target build/{name} {package}")
    return str(folder)
