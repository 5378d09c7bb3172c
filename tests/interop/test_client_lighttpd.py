"""The client against lighttpd: files, ranges, compression, CGI, TLS, keep-alive."""

import asyncio
import os
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import tercel
from tests.interop.test_client_peers import running
from tests.peers import require_program
from tests.ports import free_port

LARGE = os.urandom(2**20) * 3

SETTINGS = """
server.document-root = "{root}/files"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{root}/error.log"
server.upload-dirs = ("{root}")
server.max-keep-alive-requests = 3
server.max-request-size = 8192
server.modules = ("mod_redirect", "mod_deflate", "mod_cgi", "mod_setenv", "mod_openssl")
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain",
    "" => "application/octet-stream")
deflate.mimetypes = ("text/plain")
deflate.allowed-encodings = ("{coding}")
url.redirect = ("^/go$" => "/page.html", "^/loop$" => "/loop")
url.redirect-code = 307
cgi.assign = (".cgi" => "{python}")
$SERVER["socket"] == "127.0.0.1:{tls_port}" {{
    ssl.engine = "enable"
    ssl.pemfile = "{root}/server.pem"
}}
"""

SCRIPT = """
import os, sys
body = sys.stdin.buffer.read()
sys.stdout.write("Content-Type: text/plain\\r\\n\\r\\n")
sys.stdout.write(f"{os.environ['REQUEST_METHOD']} {len(body)} ")
for number in range(200):
    sys.stdout.write(f"{number},")
    sys.stdout.flush()
"""


class Lighttpd:
    """Where it listens, and whom to trust."""

    def __init__(self, url: str, tls_url: str, trust: ssl.SSLContext) -> None:
        self.url = url
        self.tls_url = tls_url
        self.trust = trust


@pytest.fixture(params=["gzip", "br", "zstd"])
def coding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lighttpd(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lighttpd]:
    program = require_program("lighttpd")
    wanted = request.getfixturevalue("coding") if "coding" in request.fixturenames else "gzip"
    files = tmp_path / "files"
    files.mkdir()
    (files / "page.html").write_text("<p>a page")
    (files / "text.txt").write_text("line of text\n" * 10_000)
    (files / "large").write_bytes(LARGE)
    (files / "run.cgi").write_text(SCRIPT)
    authority = trustme.CA()
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    pem = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    pem.write_to_path(str(tmp_path / "server.pem"))
    port, tls_port = free_port(), free_port()
    settings = tmp_path / "lighttpd.conf"
    settings.write_text(
        SETTINGS.format(
            root=tmp_path, port=port, tls_port=tls_port, python=sys.executable, coding=wanted
        )
    )
    with running(port, program, "-D", "-f", str(settings)) as url:
        yield Lighttpd(url, f"https://127.0.0.1:{tls_port}", trust)


async def fetch(session: tercel.ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()


async def test_files_and_ranges(lighttpd: Lighttpd) -> None:
    async with tercel.ClientSession(lighttpd.url + "/") as session:
        async with session.get("large") as response:
            assert await response.read() == LARGE
            tag = {"If-None-Match": response.headers["ETag"]}
        async with session.get("large", headers=tag) as response:
            assert (response.status, await response.read()) == (304, b"")
        async with session.get("large", headers={"Range": "bytes=-4"}) as response:
            assert (response.status, await response.read()) == (206, LARGE[-4:])
        async with session.get("large", headers={"Range": "bytes=99999999-"}) as response:
            assert response.status == 416
        async with session.head("large") as response:
            assert (response.content_length, await response.read()) == (len(LARGE), b"")
        async with session.get("absent") as response:
            assert response.status == 404


async def test_keep_alive_and_redirects(lighttpd: Lighttpd) -> None:
    async with tercel.ClientSession(lighttpd.url + "/") as session:
        for _ in range(10):  # lighttpd closes each connection after three requests
            async with session.get("go") as response:
                assert await response.text() == "<p>a page"
                assert [each.status for each in response.history] == [307]
        with pytest.raises(tercel.TooManyRedirects):
            await session.get("loop")
        found = await asyncio.gather(*(fetch(session, "page.html") for _ in range(50)))
        assert set(found) == {"<p>a page"}


async def test_compression(lighttpd: Lighttpd, coding: str) -> None:
    async with tercel.ClientSession(lighttpd.url + "/") as session:
        for _ in range(2):
            async with session.get("text.txt") as response:
                if coding == "gzip" or "Content-Encoding" in response.headers:
                    assert response.headers["Content-Encoding"] == coding
                assert await response.text() == "line of text\n" * 10_000


async def test_chunked_answers_and_uploads(lighttpd: Lighttpd, tmp_path: Path) -> None:
    async def pieces() -> object:
        for _ in range(50):
            yield bytes(10_000)

    numbers = "".join(f"{number}," for number in range(200))
    async with tercel.ClientSession(lighttpd.url + "/") as session:
        async with session.get("run.cgi") as response:
            assert await response.text() == "GET 0 " + numbers
        async with session.post("run.cgi", data=LARGE) as response:
            assert await response.text() == f"POST {len(LARGE)} " + numbers
        async with session.post("run.cgi", data=pieces()) as response:
            assert await response.text() == "POST 500000 " + numbers
        async with session.post("run.cgi", data=b"abc", expect100=True) as response:
            assert await response.text() == "POST 3 " + numbers


async def test_too_large_is_said_early(lighttpd: Lighttpd) -> None:
    """Told by its length lighttpd refuses at once; the client hears it while it still sends."""

    async def pieces() -> object:
        for _ in range(160):
            yield bytes(65_536)

    async with tercel.ClientSession(lighttpd.url + "/") as session:
        fields = {"Content-Length": str(160 * 65_536)}
        async with session.post("run.cgi", data=pieces(), headers=fields) as response:
            assert response.status == 413
        assert await fetch(session, "page.html") == "<p>a page"


async def test_tls(lighttpd: Lighttpd) -> None:
    connector = tercel.TCPConnector(ssl=lighttpd.trust)
    async with tercel.ClientSession(lighttpd.tls_url + "/", connector=connector) as session:
        found = await asyncio.gather(*(fetch(session, "page.html") for _ in range(20)))
        assert set(found) == {"<p>a page"}
        async with session.get("large") as response:
            assert await response.read() == LARGE
        async with session.post("run.cgi", data=LARGE) as response:
            assert (await response.text()).startswith(f"POST {len(LARGE)} ")
    async with tercel.ClientSession() as session:
        with pytest.raises(tercel.ClientConnectorCertificateError):
            await session.get(lighttpd.tls_url)


GUARDED = """
server.document-root = "{root}/files"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{root}/error.log"
server.modules = ("mod_auth", "mod_authn_file")
auth.backend = "plain"
auth.backend.plain.userfile = "{root}/users"
auth.require = ("/" => ("method" => "digest", "realm" => "a realm", "require" => "valid-user",
    "algorithm" => "{algorithm}"))
"""
#: No quote or backslash in a user's name: lighttpd takes the escaped form for the name.
USERS = [
    ("user", 'a, b="c"'),
    ("sp ace", "back\\slash"),
    ("\xfcn\xef", "p\xe4sswort"),
    ("x=y,z", '"'),
]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_digest(tmp_path: Path, algorithm: str) -> None:
    program = require_program("lighttpd")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("guarded")
    (tmp_path / "users").write_text("".join(f"{user}:{word}\n" for user, word in USERS))
    port = free_port()
    settings = tmp_path / "lighttpd.conf"
    settings.write_text(GUARDED.format(root=tmp_path, port=port, algorithm=algorithm))
    with running(port, program, "-D", "-f", str(settings)) as url:
        for user, word in (*USERS, ("user", "wrong")):
            digest = tercel.DigestAuthMiddleware(user, word)
            async with tercel.ClientSession(url, middlewares=[digest]) as session:
                for _ in range(2):
                    async with session.get('a.txt?q="%22') as response:
                        assert response.status == (401 if word == "wrong" else 200), user
