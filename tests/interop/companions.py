"""The examples of docs/companions.md, run in a program that has the companions on its path.

Those that bring aiohttp along are asked to speak with small servers of ours: enough of S3 and of
Elasticsearch for one call of each.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from tercel import web
from tercel.test_utils import TestClient, TestServer

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "companions.md"


def load(section: str) -> dict[str, Any]:
    """What the Python block below the heading `section` defines."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {section}\n")[2]
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {"__name__": section}
    exec(compile(block[1], f"{PAGE}: {section}", "exec"), names)
    return names


async def files() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = load("aiofiles")["make_app"](Path(folder))
        async with TestClient(TestServer(app)) as client:
            data = bytes(range(256)) * 2000
            async with client.put("/", data=data) as response:
                name = (await response.json())["name"]
            async with client.get(f"/files/{name}") as response:
                assert await response.read() == data


async def s3() -> None:
    kept: dict[str, bytes] = {}

    async def put(request: web.Request) -> web.Response:
        body = await request.read()
        if "aws-chunked" in request.headers.get("Content-Encoding", ""):
            size, _, rest = body.partition(b"\r\n")
            body = rest[: int(size.partition(b";")[0], 16)]
        kept[request.path] = body
        return web.Response(headers={"ETag": '"1"'})

    async def get(request: web.Request) -> web.Response:
        return web.Response(body=kept[request.path])

    fake = web.Application()
    fake.add_routes([web.put("/{path:.+}", put), web.get("/{path:.+}", get)])
    async with TestServer(fake) as endpoint:
        app = load("aiobotocore")["make_app"](str(endpoint.make_url("/")))
        async with TestClient(TestServer(app)) as client:
            async with client.put("/cat", data=b"a picture") as response:
                assert response.status == 201
            assert kept == {"/pictures/cat": b"a picture"}
            async with client.get("/cat") as response:
                assert await response.read() == b"a picture"


async def search() -> None:
    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        hits = [{"_source": {"text": f"about {asked['query']['match']['text']}"}}]
        return web.json_response(
            {"hits": {"hits": hits}}, headers={"X-Elastic-Product": "Elasticsearch"}
        )

    fake = web.Application()
    fake.router.add_post("/posts/_search", answer)
    async with TestServer(fake) as endpoint:
        url = str(endpoint.make_url("/")).rstrip("/")
        app = load("elasticsearch")["make_app"](url)
        async with TestClient(TestServer(app)) as client:
            async with client.get("/search?q=owls") as response:
                assert await response.json() == ["about owls"]


if __name__ == "__main__":
    import asyncio

    asyncio.run({"files": files, "s3": s3, "search": search}[sys.argv[1]]())
