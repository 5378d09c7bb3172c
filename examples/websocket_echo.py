"""A WebSocket that says what it hears: `python examples/websocket_echo.py`.

The page at http://127.0.0.1:8080 speaks with it; so does any other client at ws://127.0.0.1:8080/echo.
Open sockets are closed with 1001 when the server stops.
"""

from tercel import WSMsgType, web

SOCKETS = web.AppKey("sockets", web.WebSocketSet)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Echo</title>
<meta name="viewport" content="width=device-width">
<style>body{font:1rem/1.5 system-ui;max-width:32rem;margin:2rem auto;padding:0 1rem}
input{font:inherit;width:100%;padding:.5rem;box-sizing:border-box}</style></head>
<body><h1>Echo</h1><form><input autofocus autocomplete="off" placeholder="Say something"></form>
<ol></ol><script>
const socket = new WebSocket(location.href.replace(/^http/, "ws") + "echo");
const input = document.querySelector("input"), list = document.querySelector("ol");
function show(text) {
  list.append(Object.assign(document.createElement("li"), {textContent: text}));
}
socket.onmessage = (event) => show(event.data);
socket.onclose = (event) => show("closed: " + event.code);
document.querySelector("form").onsubmit = (event) => {
  event.preventDefault(); socket.send(input.value); input.value = "";
};
</script></body></html>
"""


async def page(request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(heartbeat=30, max_msg_size=65536)
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def make_app() -> web.Application:
    app = web.Application()
    app[SOCKETS] = web.WebSocketSet(app, message="the server stops")
    app.add_routes([web.get("/", page), web.get("/echo", echo)])
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
