"""tercel.compat: every row leads somewhere, and to the object that the front doors give."""

import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import tercel
from tercel import compat

TABLE = compat.__aiohttp_modules__


def names_of(path: str) -> dict[str, object]:
    found = TABLE[path]
    return found if isinstance(found, dict) else vars(importlib.import_module(found))


def test_the_table_is_made_once() -> None:
    assert compat.__aiohttp_modules__ is TABLE


def test_nothing_else_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = compat.no_such_name


@pytest.mark.parametrize("path", sorted(TABLE))
def test_a_row_leads_to_a_room(path: str) -> None:
    names = names_of(path)
    assert names
    if not isinstance(TABLE[path], dict):
        assert isinstance(importlib.import_module(TABLE[path]), types.ModuleType)


@pytest.mark.parametrize(
    ("path", "name", "home"),
    [
        ("client", "ClientSession", "tercel"),
        ("client_exceptions", "ClientError", "tercel"),
        ("client_reqrep", "ClientResponse", "tercel"),
        ("client_ws", "ClientWebSocketResponse", "tercel"),
        ("connector", "TCPConnector", "tercel"),
        ("cookiejar", "CookieJar", "tercel"),
        ("formdata", "FormData", "tercel"),
        ("helpers", "BasicAuth", "tercel"),
        ("helpers", "AppKey", "tercel.web"),
        ("http", "HttpVersion11", "tercel"),
        ("http_websocket", "WSMessage", "tercel"),
        ("payload", "BytesPayload", "tercel"),
        ("payload", "StreamReaderPayload", None),
        ("streams", "StreamReader", "tercel"),
        ("tracing", "TraceConfig", "tercel"),
        ("web_app", "Application", "tercel.web"),
        ("web_exceptions", "HTTPNotFound", "tercel.web"),
        ("web_fileresponse", "FileResponse", "tercel.web"),
        ("web_log", "AccessLogger", None),
        ("web_middlewares", "normalize_path_middleware", "tercel.web"),
        ("web_protocol", "RequestHandler", "tercel.web"),
        ("web_request", "Request", "tercel.web"),
        ("web_response", "json_response", "tercel.web"),
        ("web_routedef", "RouteTableDef", "tercel.web"),
        ("web_runner", "AppRunner", "tercel.web"),
        ("web_server", "Server", "tercel.web"),
        ("web_urldispatcher", "UrlDispatcher", "tercel.web"),
        ("web_ws", "WebSocketResponse", "tercel.web"),
        ("multipart", "MultipartReader", "tercel"),
        ("web_exceptions", "NotAppKeyWarning", "tercel.web"),
        ("web_request", "FileField", "tercel.web"),
        ("worker", "GunicornWebWorker", "tercel"),
        ("web_urldispatcher", "SystemRoute", None),
    ],
)
def test_names_by_their_old_path(path: str, name: str, home: str | None) -> None:
    found = names_of(path)[name]
    if home is not None:
        assert found is getattr(importlib.import_module(home), name)


# The alias, each time in a process of its own


def run(code: str, *before: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program; `before` are arguments of Python that come instead of `-c`."""
    source = str(Path(tercel.__file__).parent.parent)
    arguments = list(before) if before else ["-c", code]
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": source, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


ALIAS = """
import importlib.metadata, logging, sys
import tercel.compat
tercel.compat.install()
tercel.compat.install()
assert tercel.compat.is_installed()
import aiohttp
assert "tercel.web" not in sys.modules and "tercel.client.session" not in sys.modules
import aiohttp.web_exceptions, aiohttp.helpers, aiohttp.typedefs, aiohttp.hdrs, aiohttp.web
from aiohttp import *
from aiohttp import web
from aiohttp.client_exceptions import ClientError
from aiohttp.web import middleware
import tercel, tercel.web, tercel.hdrs
assert aiohttp.web is tercel.web is web is sys.modules["aiohttp.web"]
assert tercel.web.__spec__.name == tercel.web.__name__ == "tercel.web"
assert aiohttp.hdrs is tercel.hdrs and aiohttp.test_utils is tercel.test_utils
assert aiohttp.web_exceptions.HTTPNotFound is web.HTTPNotFound
assert aiohttp.client_exceptions.ClientError is ClientError is tercel.ClientError
assert ClientSession is aiohttp.ClientSession is tercel.ClientSession
assert aiohttp.client.ClientSession is ClientSession
assert aiohttp.helpers.BasicAuth is aiohttp.BasicAuth
assert importlib.metadata.version("aiohttp") == aiohttp.__version__ == "3.14.5"
assert importlib.metadata.version("AioHTTP") == "3.14.5"
found = next(iter(importlib.metadata.distributions(name="aiohttp")))
assert found.metadata["Name"] == "aiohttp"
assert "ClientSession" in dir(aiohttp) and "web" in dir(aiohttp) and len(aiohttp.__all__) > 100
for name in ("nothing", "net", "_ROOMS", "COMPILED_"):
    assert not hasattr(aiohttp, name), name
try:
    import aiohttp.nothing
except ModuleNotFoundError as error:
    assert str(error) == (
        "Tercel, which stands in for aiohttp, has no counterpart of 'aiohttp.nothing'"
    ), error
    assert error.name == "aiohttp.nothing"
else:
    raise AssertionError
heard = []
handler = logging.Handler()
handler.emit = heard.append
logging.getLogger("aiohttp.access").addHandler(handler)
logging.getLogger("aiohttp.access").setLevel("INFO")
logging.getLogger("tercel.access").info("heard")
assert [record.getMessage() for record in heard] == ["heard"]
tercel.compat.uninstall()
tercel.compat.uninstall()
assert not [name for name in sys.modules if name.startswith("aiohttp.")]
assert not tercel.compat.is_installed()
print("kept every word")
"""


@pytest.mark.parametrize("pure", ["", "1"])
def test_the_alias(pure: str) -> None:
    done = run(ALIAS, "-W", "error", "-c", ALIAS, TERCEL_PURE=pure)
    assert (done.stdout, done.stderr) == ("kept every word\n", "")


def test_every_old_path_can_be_imported() -> None:
    """But those of gunicorn's workers, where gunicorn is missing."""
    code = (
        "import importlib, tercel.compat as c; c.install()\n"
        "for path in [*c._MODULES, *c._NAMES]:\n"
        "    importlib.import_module('aiohttp.' + path)\n"
        "print('all')"
    )
    done = run(code)
    assert done.stdout == "all\n", done.stderr


def test_a_real_aiohttp_that_came_first_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "aiohttp.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import aiohttp, tercel.compat\n"
    done = run(code + "tercel.compat.install()")
    sentence = f"aiohttp is imported already (from {tmp_path / 'aiohttp.py'}), expected tercel"
    assert sentence in done.stderr
    assert done.stderr.splitlines()[-1].startswith("RuntimeError: ")


PROGRAM = """
import sys
import aiohttp
from aiohttp import web
import tercel
import beside
assert web is tercel.web and __name__ == "__main__"
print(beside.WORD, *sys.argv[1:])
sys.exit(7)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "beside.py").write_text("WORD = 'hello'")
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    return path


COMPAT = ("-m", "tercel", "compat")


def test_a_script_is_run(program: Path) -> None:
    done = run("", *COMPAT, str(program), "-m", "--help", "x")
    assert (done.stdout, done.stderr, done.returncode) == ("hello -m --help x\n", "", 7)


@pytest.mark.parametrize("name", ["program", "package"])
def test_a_module_is_run(program: Path, name: str) -> None:
    done = run("", *COMPAT, "-m", name, "-v", "x")
    assert (done.stdout, done.stderr, done.returncode) == ("hello -v x\n", "", 7)


def test_what_a_program_raises_is_seen(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import aiohttp\n1 / 0")
    done = run("", *COMPAT, str(tmp_path / "bad.py"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "nothing is to be run, expected a script, or -m and a module"),
        (("nothing.py",), "there is no file 'nothing.py'"),
        (("-m", "nothing"), "there is no module 'nothing'"),
        (("-m", "nothing.at.all"), "there is no module 'nothing.at.all'"),
    ],
)
def test_mistakes_are_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    done = run("", *COMPAT, *arguments)
    assert done.stderr == f"python -m tercel compat: {sentence}\n"
    assert done.returncode == 2


SUITE = """
import asyncio
import aiohttp
import tercel
from aiohttp import web

async def test_it():
    assert web is tercel.web
"""


@pytest.mark.parametrize("how", ["flag", "environment", "file", "plugin"])
def test_a_suite_is_run(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_it.py").write_text(SUITE)
    options = "-p tercel.compat" if how == "plugin" else "--tercel-alias" if how == "file" else ""
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = -p tercel.pytest_plugin {options}\n")
    arguments = ["--tercel-alias"] if how == "flag" else []
    done = run(
        "",
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments),
        TERCEL_ALIAS="1" if how == "environment" else "",
        PYTEST_ADDOPTS="",
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_suite_with_a_real_aiohttp_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aiohttp.py").write_text("")
    (tmp_path / "early.py").write_text("import aiohttp")
    done = run("", "-m", "pytest", "-p", "early", "-p", "tercel.compat", PYTEST_ADDOPTS="")
    assert done.returncode == 4
    assert "aiohttp is imported already" in done.stderr


@pytest.mark.parametrize("path", sorted(TABLE))
def test_old_paths_below_our_own_name(path: str) -> None:
    module = importlib.import_module(f"tercel.{path}")
    names = {name for name in names_of(path) if not name.startswith("_")}
    missing = {name for name in names if not hasattr(module, name)}
    assert missing == set()
    assert getattr(tercel, path) is module


def test_old_paths_are_found_without_having_been_imported() -> None:
    code = (
        "import tercel as aiohttp\n"
        "assert aiohttp.client_exceptions.ClientError is aiohttp.ClientError\n"
        "assert aiohttp.client.ClientSession is aiohttp.ClientSession\n"
        "from tercel.web_exceptions import HTTPNotFound\n"
        "from tercel import web\n"
        "assert HTTPNotFound is web.HTTPNotFound\n"
        "import tercel.helpers\n"
        "assert tercel.helpers.BasicAuth is tercel.BasicAuth\n"
        "assert tercel.client.errors.__spec__.name == 'tercel.client.errors'\n"
    )
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_never_there() -> None:
    with pytest.raises(AttributeError, match="no_such_room"):
        _ = tercel.no_such_room
    with pytest.raises(ModuleNotFoundError, match="no_such_room"):
        importlib.import_module("tercel.no_such_room")


ELSEWHERE = """
import multidict, yarl
import tercel.compat
tercel.compat.install()
from aiohttp.abc import AbstractView, StreamResponse
from aiohttp.client import URL, InvalidURL
from aiohttp.web_request import HTTPException
from aiohttp.web_response import CIMultiDict
import aiohttp, aiohttp.web, aiohttp.abc, aiohttp.client, tercel.abc
assert URL is yarl.URL and CIMultiDict is multidict.CIMultiDict
assert StreamResponse is aiohttp.web.StreamResponse and HTTPException is aiohttp.web.HTTPException
assert InvalidURL is aiohttp.InvalidURL and AbstractView is tercel.abc.AbstractView
assert not hasattr(aiohttp.client, "_secret") and not hasattr(aiohttp.abc, "no_such_name")
"""


def test_what_theirs_import_can_be_imported_from_ours() -> None:
    done = run(ELSEWHERE)
    assert (done.returncode, done.stderr) == (0, "")


def test_loggers_by_their_old_path() -> None:
    assert importlib.import_module("tercel.log").access_logger.name == "tercel.access"


def test_names_that_nobody_documents() -> None:
    http = importlib.import_module("tercel.http")
    assert f"tercel/{tercel.__version__}" in http.SERVER_SOFTWARE
    helpers = importlib.import_module("tercel.helpers")
    kind = helpers.parse_mimetype("application/problem+json; Charset=UTF-8")
    assert kind == ("application", "problem", "json", {"charset": "UTF-8"})
    assert helpers.parse_mimetype("*")[:3] == ("*", "*", "")
    assert helpers.parse_mimetype("")[:3] == ("", "", "")

    class Message(helpers.HeadersMixin):
        def __init__(self, **headers: str) -> None:
            self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    plain = Message()
    assert (plain.content_type, plain.charset) == ("application/octet-stream", None)
    assert plain.content_length is None
    full = Message(Content_Type="Text/HTML; charset=latin-1", Content_Length="5")
    assert (full.content_type, full.charset, full.content_length) == ("text/html", "latin-1", 5)
