"""Family 25: the temporary files of forms are closed on every path, descriptors counted.

tests/web/test_forms_multipart.py has the same for refused forms and handlers that fail.
"""

import gc
import os
from typing import Any

import pytest

from tercel import web
from tercel.web.uploads import SPOOL_SIZE
from tests.live import serving

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of descriptors")

TYPE = [("Content-Type", "multipart/form-data; boundary=b")]
FILE = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n%s\r\n'
LARGE = FILE % bytes(SPOOL_SIZE + 1)

PATHS: dict[str, tuple[bytes, int]] = {
    "read": (LARGE * 3 + b"--b--", 200),
    "cut off": (LARGE * 3, 400),
    "cut in a file": (LARGE * 2 + LARGE[:-9], 400),
    "malformed": (LARGE * 2 + b"--b\r\nA B\r\n\r\n", 400),
    "too large": (LARGE * 20 + b"--b--", 413),
    "too many": (LARGE * 2 + FILE % b"x" * 10 + b"--b--", 413),
    "refused": (LARGE + b"--b--", 409),
    "failed": (LARGE + b"--b--", 500),
}


def descriptors() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("/") and target.endswith(" (deleted)") and "memfd" not in target:
            found.add(name)
    return found


@pytest.mark.parametrize("path", PATHS)
async def test_descriptors(path: str) -> None:
    body, status = PATHS[path]
    held: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        form = await request.post()
        held.append(len(descriptors()))
        file: Any = next(iter(form.values()))
        assert len(file.file.read()) == SPOOL_SIZE + 1
        if path == "refused":
            raise web.HTTPConflict
        if path == "failed":
            raise RuntimeError("on purpose")
        return web.Response()

    app = web.Application(client_max_size=10 * SPOOL_SIZE, client_max_fields=10)
    app.router.add_post("/", handler)
    before = descriptors()
    async with serving(app) as server:
        connection = await server.connect()
        head = [*TYPE, ("Connection", "close")]
        if path == "too large":
            head.append(("Transfer-Encoding", "chunked"))
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        answer = await connection.request("POST", "/", head, body)
        assert answer.status == status
    gc.collect()
    assert descriptors() == before
    assert bool(held) == (status in (200, 409, 500))
    assert all(count > len(before) for count in held)
