"""tercel fetch: asks a URL and shows the answer; talks to a WebSocket where the URL is ws or wss.

In: a URL, fields, and a body as text, JSON or a form. Out: at a terminal the head in colour and
JSON laid out; into a pipe or a file the body as it came, octet for octet. Exit code 0; 2 and one
sentence where the request is wrong or nobody answers; 1 for a status over 399 with `--fail`.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

import tercel
from tercel.cli.mistakes import Mistake, sentence_of
from tercel.cli.show import Screen

__all__ = ("command",)

_PIECE = 65536
_ERRNO = re.compile(r"\[Errno (\d+)\]")


@click.command("fetch")
@click.argument("url")
@click.option("--method", "-X", help="GET if nothing is sent, else POST.")
@click.option("--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'")
@click.option("--data", "-d", help="Body; @FILE for the content of a file, @- for standard input.")
@click.option("--json", "-j", "json_text", metavar="JSON", help="Body in JSON, or @FILE.")
@click.option(
    "--form", "-F", "fields", multiple=True, metavar="NAME=VALUE", help="Form; NAME=@FILE uploads."
)
@click.option("--user", "-u", metavar="NAME:PASSWORD", help="Basic authentication.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Save the body; - for stdout."
)
@click.option("--include", "-i", is_flag=True, help="Show the head, also in a pipe.")
@click.option("--silent", "-s", is_flag=True, help="Show neither head nor progress.")
@click.option("--fail", "-f", is_flag=True, help="Exit code 1 where the status is over 399.")
@click.option("--follow/--no-follow", default=True, help="Follow redirects (the default).")
@click.option("--insecure", "-k", is_flag=True, help="Take any certificate.")
@click.option("--ca", type=click.Path(path_type=Path), help="PEM file with authorities to trust.")
@click.option("--socket", type=click.Path(path_type=Path), help="Connect to this Unix socket.")
@click.option("--timeout", type=click.FloatRange(0), default=60.0, help="Seconds for connecting.")
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> None:
    """Ask URL and show the answer, or chat where it begins with ws:// or wss://."""
    request = _Request(**values)
    work = _chat(request) if request.is_websocket else _fetch(request)
    try:
        status = asyncio.run(work)
    except TimeoutError as error:
        raise Mistake(f"{request.url}: no answer within {request.timeout:g} seconds") from error
    except (tercel.ClientError, tercel.WebSocketError) as error:
        raise Mistake(f"{request.url}: {_explain(error)}") from error
    except ValueError as error:
        raise Mistake(f"the request can't be sent: {sentence_of(error)}") from error
    except BrokenPipeError:
        # Who reads us has seen enough; Python would complain once more at its end.
        sys.stdout = None
        ctx.exit(0)
    ctx.exit(1 if request.fail and status > 399 else 0)


class _Request:
    """What is asked, from what was typed. Mistake where that can't be understood."""

    def __init__(self, **values: Any) -> None:
        self.url: str = values["url"] if "://" in values["url"] else f"http://{values['url']}"
        scheme = self.url.partition("://")[0].lower()
        if scheme not in ("http", "https", "ws", "wss"):
            raise Mistake(f"{self.url!r} begins with no http://, https://, ws:// or wss://")
        self.is_websocket = scheme in ("ws", "wss")
        bodies = [values["data"], values["json_text"], values["fields"] or None]
        if sum(body is not None for body in bodies) > 1:
            raise Mistake("only one of --data, --json and --form can be the body")
        self.headers = [
            _split(text, ":", "--header", "'Name: value'") for text in values["headers"]
        ]
        self.data: Any = None
        if values["data"] is not None:
            self.data = _read(values["data"])
        elif values["json_text"] is not None:
            self.data = _check_json(_read(values["json_text"]))
            self.headers.append(("Content-Type", "application/json"))
        elif values["fields"]:
            self.data = _make_form(values["fields"])
        self.method: str = values["method"] or ("GET" if self.data is None else "POST")
        self.auth = None
        if values["user"] is not None:
            name, password = _split(values["user"], ":", "--user", "NAME:PASSWORD")
            self.auth = tercel.BasicAuth(name, password)
        self.output: Path | None = values["output"]
        self.include: bool = values["include"]
        self.silent: bool = values["silent"]
        self.fail: bool = values["fail"]
        self.follow: bool = values["follow"]
        self.timeout: float = values["timeout"]
        self.insecure: bool = values["insecure"]
        self.ca: Path | None = values["ca"]
        self.socket: Path | None = values["socket"]

    def make_session(self) -> tercel.ClientSession:
        """A session that connects as the options say."""
        connector = None if self.socket is None else tercel.UnixConnector(path=str(self.socket))
        limit = self.timeout or None
        return tercel.ClientSession(
            connector=connector,
            auth=self.auth,
            trust_env=True,
            timeout=tercel.ClientTimeout(total=None, connect=limit, sock_read=limit),
        )

    def ssl(self) -> Any:
        """What the client takes as `ssl`."""
        if self.insecure:
            return False
        if self.ca is None:
            return True
        import ssl

        try:
            return ssl.create_default_context(cafile=str(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise Mistake(f"{self.ca} holds no authorities: {sentence_of(error)}") from error


def _split(text: str, mark: str, option: str, form: str) -> tuple[str, str]:
    name, found, value = text.partition(mark)
    if not found or not name.strip():
        raise Mistake(f"{option} is {text!r}; expected {form}")
    return name.strip(), value.strip()


def _read(text: str) -> bytes:
    """The text itself, or what is in the file that it names with @."""
    if not text.startswith("@"):
        return text.encode()
    if text == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise Mistake(f"{text[1:]} can't be read: {sentence_of(error)}") from error


def _check_json(data: bytes) -> bytes:
    try:
        json.loads(data)
    except ValueError as error:
        raise Mistake(f"--json is no JSON: {error}") from error
    return data


def _make_form(fields: Iterable[str]) -> tercel.FormData:
    form = tercel.FormData()
    for field in fields:
        name, value = _split(field, "=", "--form", "NAME=VALUE or NAME=@FILE")
        if value.startswith("@"):
            form.add_field(name, _read(value), filename=Path(value[1:]).name)
        else:
            form.add_field(name, value)
    return form


async def _fetch(request: _Request) -> int:
    """Ask, show, and give the status."""
    async with request.make_session() as session:
        async with session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.data,
            allow_redirects=request.follow,
            ssl=request.ssl(),
        ) as response:
            await _show(request, response)
            return response.status


async def _show(request: _Request, response: tercel.ClientResponse) -> None:
    screen = Screen()
    is_saved = request.output is not None and str(request.output) != "-"
    if not request.silent and (request.include or screen.is_terminal):
        for step in response.history:
            screen.show_head(step)
        screen.show_head(response)
    if is_saved:
        assert request.output is not None
        await _save(request.output, response, screen, show=not request.silent)
    elif screen.is_terminal and str(request.output) != "-":
        screen.show_body(await response.read(), response.content_type, response.get_encoding())
    else:
        async for piece in response.content.iter_chunked(_PIECE):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


async def _save(path: Path, response: tercel.ClientResponse, screen: Screen, *, show: bool) -> None:
    """The body into a file, which is there under its name only once it is whole."""
    part = path.with_name(path.name + ".part")
    length = response.content_length
    if "Content-Encoding" in response.headers:
        length = None  # it is counted before it is unpacked
    try:
        with part.open("wb") as file, screen.progress(path.name, length, show=show) as advance:
            async for piece in response.content.iter_chunked(_PIECE):
                file.write(piece)
                advance(len(piece))
        part.replace(path)
    except OSError as error:
        if isinstance(error, tercel.ClientError):
            raise
        raise Mistake(f"{path} can't be written: {sentence_of(error)}") from error
    finally:
        part.unlink(missing_ok=True)


async def _chat(request: _Request) -> int:
    """Send the lines of standard input, show what comes, until one of both ends."""
    screen = Screen()
    async with request.make_session() as session:
        async with session.ws_connect(
            request.url, headers=request.headers, ssl=request.ssl()
        ) as socket:
            if not request.silent:
                screen.say(f"connected to {request.url}; end with Ctrl+D")
            writing = asyncio.create_task(_send_lines(socket))
            try:
                async for message in socket:
                    _show_message(screen, message)
            finally:
                writing.cancel()
                await asyncio.wait([writing])
            if not request.silent:
                screen.say(f"closed with code {socket.close_code}")
    return 0


async def _send_lines(socket: tercel.ClientWebSocketResponse) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (ValueError, NotImplementedError):  # a file, which is read at once, or Windows
        for line in await asyncio.to_thread(sys.stdin.readlines):
            await socket.send_str(line.rstrip("\r\n"))
    else:
        while line_read := await reader.readline():
            await socket.send_str(line_read.decode("utf-8", "replace").rstrip("\r\n"))
    # What was asked last may still be answered.
    await asyncio.sleep(_LAST_ANSWER)
    await socket.close()


_LAST_ANSWER = 0.5


def _show_message(screen: Screen, message: Any) -> None:
    if message.type is tercel.WSMsgType.TEXT:
        screen.show_message(message.data)
    elif message.type is tercel.WSMsgType.BINARY:
        screen.show_message(f"({len(message.data)} octets) {message.data[:64].hex(' ')}")


def _explain(error: Exception) -> str:
    if isinstance(error, tercel.InvalidURL):
        return "this is no URL that can be asked"
    if isinstance(error, tercel.WSServerHandshakeError):
        return f"the server does not speak WebSocket there (status {error.status})"
    if isinstance(error, tercel.ClientConnectorCertificateError | tercel.ClientSSLError):
        return sentence_of(error)
    if isinstance(error, tercel.ClientConnectorError):
        # A name with several addresses fails once for each of them.
        numbers = {error.errno} - {None} or set(map(int, _ERRNO.findall(sentence_of(error))))
        if len(numbers) == 1:
            return os.strerror(numbers.pop() or 0).lower()
    return sentence_of(error)
