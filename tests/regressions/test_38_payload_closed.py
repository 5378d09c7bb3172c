"""Family 38: a payload is closed when its peer leaves in mid-body [CVE-2026-54280]."""

import io
from typing import Any

import pytest

from tercel import web
from tests.web.serving import GET, eventually, low_server


class Endless(io.RawIOBase):
    """A file that has always more, and knows whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        return bytes(65536)


@pytest.mark.parametrize("when", ["before", "during"])
async def test_a_file_is_closed(when: str) -> None:
    file = Endless()

    async def handler(request: Any) -> web.Response:
        if when == "before":
            await request.wait_for_disconnection()
        return web.Response(body=file)

    async with low_server(handler) as low:
        connection = await low.connect(receive_buffer=4096)
        await connection.send(GET)
        if when == "during":
            await eventually(lambda: file.reads)
        else:
            await eventually(lambda: low.server._tasks)
        connection.abort()
        await eventually(lambda: not low.server._tasks)
        assert file.closed
