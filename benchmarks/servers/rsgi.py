"""Granian's RSGI interface without a framework: the same four answers by hand."""

import json
from urllib.parse import parse_qsl


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
    else:
        proto.response_empty(404, [])
