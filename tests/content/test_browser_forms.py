"""What browsers post: octets recorded from them (tests/vectors/forms), read back.

A name that itself holds %22, %0D or %0A can't be told from an escaped one: browsers escape quotes
and line breaks, and not the percent sign (HTML, "multipart/form-data encoding algorithm").
"""

import asyncio
import json
import pathlib
import re
from typing import Any

import pytest

from tercel import web
from tercel.content.multipart import MultipartReader
from tercel.net.streams import StreamReader
from tests.live import serving

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "forms"
CASES = {each["id"]: each for each in json.loads((FOLDER / "cases.json").read_text("utf-8"))}
BROWSERS = sorted(each.name for each in FOLDER.iterdir() if each.is_dir())
URLENCODED = [name for name, case in CASES.items() if "enctype" in case]
MULTIPART = [name for name in CASES if name not in URLENCODED]


def recorded(browser: str, name: str) -> tuple[str, bytes]:
    kind, _, body = (FOLDER / browser / f"{name}.http").read_bytes().partition(b"\n\n")
    return kind.decode(), body


def octets(text: str, charset: str) -> bytes:
    """As a form writes text: what the charset lacks as a reference, half a pair as U+FFFD."""
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text.encode(charset, "xmlcharrefreplace")


def with_crlf(text: str) -> str:
    return re.sub("\r\n|\r|\n", "\r\n", text)


def unescaped(text: str) -> str:
    return text.replace("%22", '"').replace("%0A", "\n").replace("%0D", "\r")


def expected(case: dict[str, Any]) -> list[tuple[bytes, bytes | None, bytes]]:
    """Name, file name and content of each part, as octets."""
    charset = case.get("charset", "utf-8")
    parts: list[tuple[bytes, bytes | None, bytes]] = []
    for name, value in case.get("fields", ()):
        if name == "_charset_":
            value = charset
        if name:  # a field without a name is not sent
            name = unescaped(with_crlf(name))
            parts.append((octets(name, charset), None, octets(with_crlf(value), charset)))
    for name, filename, _, text in case.get("files", ()):
        filename = octets(unescaped(filename or ""), charset)
        parts.append((octets(name, charset), filename, text.encode()))
    return parts


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("size", [1, 65_536])
@pytest.mark.parametrize("name", [name for name in MULTIPART if name != "charset-field"])
@pytest.mark.parametrize("browser", BROWSERS)
async def test_parts(browser: str, name: str, size: int) -> None:
    kind, body = recorded(browser, name)
    stream = StreamReader()
    reader = MultipartReader({"Content-Type": kind}, stream)
    seen = []

    async def read() -> None:
        while (part := await reader.next()) is not None:
            filename = None if part.filename is None else raw(part.filename)
            seen.append((raw(part.name), filename, bytes(await part.read())))

    task = asyncio.create_task(read())
    for start in range(0, len(body), size):
        stream.feed_data(body[start : start + size])
        await asyncio.sleep(0)
    stream.feed_eof()
    await task
    assert seen == expected(CASES[name])


async def posted(browser: str, name: str) -> Any:
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        for key, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                value = (value.filename, value.content_type, value.file.read())
            seen.append((key, value))
        return web.Response()

    kind, body = recorded(browser, name)
    app = web.Application()
    app.router.add_post("/", handler)
    async with serving(app) as server:
        answer = await server.post("/", body, [("Content-Type", kind)])
        assert answer.status == 200, answer.text
    return seen


@pytest.mark.parametrize("name", [name for name in CASES if "charset" not in CASES[name]])
@pytest.mark.parametrize("browser", BROWSERS)
async def test_post(browser: str, name: str) -> None:
    seen = await posted(browser, name)
    case = CASES[name]
    if name in URLENCODED:
        assert seen == [(with_crlf(key), with_crlf(value)) for key, value in case["fields"] if key]
        return
    wanted: list[Any] = []
    for key, filename, content in expected(case):
        if filename is None:
            wanted.append((key.decode(), content.decode()))
        elif not filename:
            wanted.append((key.decode(), content))
        else:
            wanted.append((key.decode(), (filename.decode(), content)))
    told = [
        (key, (value[0], value[2]) if isinstance(value, tuple) else value) for key, value in seen
    ]
    assert told == wanted


@pytest.mark.parametrize("browser", BROWSERS)
async def test_types_of_files(browser: str) -> None:
    assert [value[1] for _, value in await posted(browser, "file-type-odd")] == [
        "application/octet-stream",
        "text/html; charset=utf-16",
    ]


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_form_that_names_its_charset(browser: str) -> None:
    assert await posted(browser, "charset-field") == [("é", "ü")]
