"""Granian's RSGI interface without a framework: the same answers by hand."""

import json
import os
from urllib.parse import parse_qsl

FILES = os.environ.get("BENCH_FILES", ".")
PIECE = b"0123456789" * 10


async def app(scope, proto):
    path = scope.path
    if path == "/":
        proto.response_str(200, [("content-type", "text/plain; charset=utf-8")], "Hello, World!")
    elif path == "/json":
        data = json.loads(await proto())
        proto.response_str(200, [("content-type", "application/json")], json.dumps(data))
    elif path.startswith("/items/"):
        headers = scope.headers
        proto.response_str(
            200,
            [
                ("content-type", "text/plain; charset=utf-8"),
                ("x-agent", headers["user-agent"]),
                ("x-token", headers["authorization"]),
            ],
            f"item {path[7:]}",
        )
    elif path == "/form":
        fields = dict(parse_qsl((await proto()).decode()))
        proto.response_str(200, [("content-type", "text/plain; charset=utf-8")], fields["name"])
    elif path.startswith("/static/"):
        kind = [("content-type", "application/octet-stream")]
        proto.response_file(200, kind, f"{FILES}/{os.path.basename(path)}")
    elif path == "/stream":
        transport = proto.response_stream(200, [("content-type", "text/plain")])
        for _ in range(10):
            await transport.send_bytes(PIECE)
    elif path == "/upload":
        count = 0
        async for piece in proto:
            count += len(piece)
        proto.response_str(200, [("content-type", "text/plain; charset=utf-8")], str(count))
    else:
        proto.response_empty(404, [])
