"""REDbot, which checks what a server says of its resources, finds nothing wrong with files."""

import asyncio
import gzip
import json
import os
import pathlib
import sys
import time
from typing import Any

import pytest

from tercel import web
from tests.live import serving
from tests.peers import require_target

# Levels other than "good" and "info" are "warning" and "bad".
CHECK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from configparser import ConfigParser
import thor
from redbot.resource import HttpResource
config = ConfigParser()
config.read_dict({"redbot": {"enable_local_access": "True"}})
resource = HttpResource(config["redbot"], descend=False)
resource.set_request(sys.argv[2])
@thor.events.on(resource)
def check_done():
    thor.stop()
resource.check()
thor.run()
found = [resource, *resource.subreqs.values()]
notes = [note for one in found for note in one.response.notes]
print(json.dumps([(type(note).__name__, note.level.value, str(note.summary)) for note in notes]))
"""


async def check(folder: str, url: str) -> dict[str, tuple[str, str]]:
    """What REDbot notes: its kinds of notes, with level and sentence."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHECK, folder, url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await asyncio.wait_for(process.communicate(), 60)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    assert process.returncode == 0, errors.decode("utf-8", "replace")[-2000:]
    notes: list[Any] = json.loads(output)
    return {name: (level, summary) for name, level, summary in notes}


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    page = "<!doctype html>\n<title>A page</title>\n" + "<p>Once and again.</p>\n" * 500
    (tmp_path / "page.html").write_text(page)
    (tmp_path / "page.html.gz").write_bytes(gzip.compress(page.encode()))
    (tmp_path / "style.css").write_text("p{color:teal}\n" * 100)
    (tmp_path / "large.bin").write_bytes(bytes(range(256)) * 2000)
    (tmp_path / "empty.txt").touch()
    old = time.time() - 86400
    for path in tmp_path.iterdir():
        os.utime(path, (old, old))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("page.html", {"RANGE_CORRECT", "INM_304", "IMS_304", "CONNEG_GZIP_GOOD", "CL_CORRECT"}),
        ("style.css", {"RANGE_CORRECT", "INM_304", "IMS_304", "CL_CORRECT"}),
        ("large.bin", {"RANGE_CORRECT", "INM_304", "IMS_304", "CL_CORRECT"}),
        ("empty.txt", {"INM_304", "IMS_304", "CL_CORRECT"}),
        ("", {"CL_CORRECT"}),
        ("none.html", {"CL_CORRECT"}),
    ],
)
async def test_nothing_is_wrong(root: pathlib.Path, name: str, expected: set[str]) -> None:
    folder = require_target("redbot")
    app = web.Application()
    app.router.add_static("/s", root, show_index=True, cache_control="max-age=600")
    async with serving(app) as server:
        notes = await check(folder, f"http://{server.authority}/s/{name}")
    wrong = {kind: note for kind, note in notes.items() if note[0] not in ("good", "info")}
    assert wrong == {}
    assert expected <= notes.keys()
