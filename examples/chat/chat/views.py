"""The page, and the socket behind it.

A page says {"text": "..."}. It hears `welcome` (you, people, history), `people` whenever somebody
comes or goes, `said` for each entry, and `failed` with a reason where its own words were not passed
on.
"""

import json
import re
from pathlib import Path

from yarl import URL

from tercel import WSCloseCode, web

from .board import BoardError
from .hub import Hub

STATIC = Path(__file__).resolve().parent / "static"
HUB = web.AppKey("HUB", Hub)
MAX_NAME = 24  # characters
MAX_TEXT = 2000  # characters
ROOM = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
KEY = re.compile(r"[0-9a-f]{16,64}")


async def index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def talk(request: web.Request) -> web.WebSocketResponse:
    room, name, key = read_query(request)
    # Browsers let any site open a socket to here; its pages are none of ours.
    origin = request.headers.get("Origin")
    if origin is not None and URL(origin).authority != request.host:
        raise web.HTTPForbidden(text="The chat is for its own pages.")
    socket = web.WebSocketResponse(heartbeat=20, max_msg_size=16 * 1024)
    await socket.prepare(request)
    hub = request.app[HUB]
    try:
        async with hub.member(socket, room, name, key) as called:
            async for message in socket:
                if message.type is web.WSMsgType.TEXT:
                    await say(hub, socket, room, called, message.data)
    except BoardError:
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
    except ConnectionError:
        pass  # gone in the middle of a sentence
    return socket


def read_query(request: web.Request) -> tuple[str, str, str]:
    """Room, name and key of whoever wants to come in; HTTPBadRequest where they do not fit."""
    name = " ".join(request.query.get("name", "").split())
    key = request.query.get("key", "")
    room = request.match_info["room"]
    if not ROOM.fullmatch(room):
        raise web.HTTPBadRequest(text="A room is called by letters, digits and hyphens.")
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise web.HTTPBadRequest(text=f"A name has 1 to {MAX_NAME} characters.")
    if not KEY.fullmatch(key):
        raise web.HTTPBadRequest(text="A key has 16 to 64 hexadecimal digits.")
    return room, name, key


async def say(hub: Hub, socket: web.WebSocketResponse, room: str, name: str, data: str) -> None:
    try:
        text = json.loads(data)["text"].strip()
    except (ValueError, LookupError, TypeError, AttributeError):
        await socket.send_json({"kind": "failed", "reason": "That was no message."})
        return
    if not text:
        return
    if len(text) > MAX_TEXT:
        reason = f"A message has {MAX_TEXT} characters at most."
        await socket.send_json({"kind": "failed", "reason": reason})
        return
    try:
        await hub.board.say(room, name, text)
    except BoardError:
        reason = "The others can't be reached right now."
        await socket.send_json({"kind": "failed", "reason": reason})
