"""What `import tercel` and `import tercel.web` drag in, counted rather than timed.

The goal is 70 and 85 milliseconds of CPU above bare Python; what costs them is modules.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.meta.house import SOURCE

DEPENDENCIES = "asyncio, yarl, multidict, aiosignal, frozenlist"
# Each of these costs a millisecond or more, or belongs to an extra, and is rarely needed.
HEAVY = {
    "aiodns",
    "aiohappyeyeballs",
    "argparse",
    "backports.zstd",
    "brotli",
    "concurrent.futures.process",
    "cProfile",
    "ctypes",
    "Cython",
    "email",
    "email.message",
    "email.utils",
    "ftplib",
    "gzip",
    "html.parser",
    "http.client",
    "http.cookiejar",
    "http.cookies",
    "importlib.metadata",
    "importlib.resources",
    "jinja2",
    "mimetypes",
    "multiprocessing",
    "netrc",
    "orjson",
    "pdb",
    "pydoc",
    "pytest",
    "sqlite3",
    "tempfile",
    "tomllib",
    "unittest",
    "urllib.request",
    "uvloop",
    "xml",
    "zipfile",
}
MAX_OTHERS = 25  # modules that are neither ours nor loaded by what we depend on


def modules_after(statement: str) -> set[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


@pytest.fixture(scope="module")
def baseline() -> set[str]:
    return modules_after(f"import {DEPENDENCIES}")


@pytest.mark.parametrize("door", ["tercel", "tercel.web"])
def test_import_is_cheap(door: str, baseline: set[str]) -> None:
    more = modules_after(f"import {door}") - baseline
    assert not more & HEAVY
    others = sorted(name for name in more if name.partition(".")[0] != "tercel")
    assert len(others) <= MAX_OTHERS, others


def test_client_and_server_do_not_load_each_other() -> None:
    assert not {n for n in modules_after("import tercel.web") if n.startswith("tercel.client.s")}
    assert "tercel.web.app" not in modules_after("import tercel; tercel.ClientSession")
