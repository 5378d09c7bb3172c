"""Tercel under aiohttp's name: `install()` makes `import aiohttp` and its submodules give Tercel.

`__aiohttp_modules__` maps the path of a submodule (`"web_request"`, for `aiohttp.web_request`) to
the dotted name of the module of ours that answers for it, or, where several rooms share its names,
to a dict of name to object. The same paths lead there below our own name (`find_spec`). Private
ones stand here where packages of others are known to use them. `pytest -p tercel.compat` installs.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import logging
import runpy
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import tercel

__all__ = [
    "SPOKEN_VERSION",
    "__aiohttp_modules__",
    "find_spec",
    "install",
    "is_installed",
    "run_module",
    "run_script",
    "uninstall",
]

#: The version of aiohttp whose documentation Tercel follows; what asks for aiohttp's is told so.
SPOKEN_VERSION = "3.14.5"

__aiohttp_modules__: dict[str, str | dict[str, Any]]

# The loggers that are documented, below the name of the library (logging.rst).
_LOGGERS = ("access", "client", "internal", "server", "web", "websocket")

# The old path -> our module, where one answers for the whole of it.
_MODULES: dict[str, str] = {
    "abc": "tercel.abc",
    "client_exceptions": "tercel.client.errors",
    "cookiejar": "tercel.client.cookies",
    "formdata": "tercel.content.form",
    "hdrs": "tercel.hdrs",
    "multipart": "tercel.content.multipart",
    "payload": "tercel.content.payload",
    "payload_streamer": "tercel.content.streamer",
    "pytest_plugin": "tercel.pytest_plugin",
    "resolver": "tercel.resolver",
    "streams": "tercel.net.streams",
    "test_utils": "tercel.test_utils",
    "tracing": "tercel.client.tracing",
    "typedefs": "tercel.typedefs",
    "web": "tercel.web",
    "web_exceptions": "tercel.web.errors",
    "web_fileresponse": "tercel.web.file",
    "web_log": "tercel.web.accesslog",
    "web_middlewares": "tercel.web.middlewares",
    "web_routedef": "tercel.web.routedef",
    "worker": "tercel.web.worker",
}

# The old path -> our rooms, and the names of it that each of them holds.
_NAMES: dict[str, dict[str, str]] = {
    "client": {
        "tercel": "BaseConnector ClientRequest ClientResponse ClientSession ClientTimeout "
        "Fingerprint NamedPipeConnector RequestInfo TCPConnector UnixConnector request",
    },
    "client_middleware_digest_auth": {"tercel": "DigestAuthMiddleware"},
    "client_middlewares": {"tercel": "ClientHandlerType ClientMiddlewareType"},
    "client_ws": {
        "tercel": "ClientWSTimeout ClientWebSocketResponse WSCloseCode WSMessage "
        "WSMessageTypeError WSMsgType",
    },
    "base_protocol": {},
    "client_proto": {},
    "client_reqrep": {
        "tercel": "ClientRequest ClientResponse Fingerprint RequestInfo UploadTracker",
        "tercel.client.pool": "ConnectionKey",
        "tercel.client.response": "ContentDisposition",
    },
    "connector": {
        "tercel": "AddrInfoType BaseConnector Connection NamedPipeConnector SocketFactoryType "
        "TCPConnector UnixConnector",
    },
    "helpers": {
        "tercel.client.auth": "BasicAuth encode_basic_auth",
        "tercel.content.chainmap": "ChainMapProxy",
        "tercel.wire.ranges": "ETag",
        "tercel.web": "AppKey RequestKey ResponseKey",
    },
    "http": {
        "tercel": "HttpVersion HttpVersion10 HttpVersion11 WSCloseCode WSMessage WSMsgType "
        "WebSocketError",
    },
    "http_exceptions": {},
    "http_websocket": {"tercel": "WSCloseCode WSMessage WSMsgType WebSocketError"},
    "http_writer": {"tercel": "HttpVersion HttpVersion10 HttpVersion11"},
    "log": {},
    "web_app": {"tercel.web": "Application CleanupError"},
    "web_protocol": {"tercel.web": "RequestHandler"},
    "web_request": {"tercel.web": "BaseRequest FileField Request"},
    "web_response": {
        "tercel.web": "ContentCoding Response StreamResponse json_bytes_response json_response",
    },
    "web_runner": {
        "tercel.web": "AppRunner BaseRunner BaseSite GracefulExit NamedPipeSite ServerRunner "
        "SockSite TCPSite UnixSite",
    },
    "web_server": {"tercel.web": "Server"},
    "web_ws": {
        "tercel": "WSCloseCode WSMessage WSMsgType",
        "tercel.web": "WebSocketReady WebSocketResponse",
    },
    "web_urldispatcher": {
        "tercel.web": "AbstractResource AbstractRoute DynamicResource PlainResource "
        "PrefixedSubAppResource Resource ResourceRoute StaticResource UrlDispatcher "
        "UrlMappingMatchInfo View",
        "tercel.web.dispatcher": "ResourcesView RoutesView",
        "tercel.web.mounts": "MatchedSubAppResource",
        "tercel.web.resources": "PrefixResource",
        "tercel.web.routes": "SystemRoute",
    },
}

# The old path -> names that nobody documents and packages reach for all the same, and what stands
# in for each: a module of ours or of Python, and a name in it.
_UNDOCUMENTED: dict[str, dict[str, str]] = {
    "base_protocol": {"BaseProtocol": "tercel.net.protocol:WireProtocol"},  # aiohttp_client_cache
    "client": {
        "_RequestContextManager": "tercel.client.asking:PendingRequest",  # aiohttp_client_cache
        "_WSRequestContextManager": "tercel.client.pending:PendingResult",  # kubernetes_asyncio
    },
    "client_proto": {"ResponseHandler": "tercel.client.exchange:ClientProtocol"},  # aioresponses
    "client_reqrep": {"MappingProxyType": "types:MappingProxyType"},  # aiohttp_client_cache
    "http": {
        "RESPONSES": "http.server:BaseHTTPRequestHandler.responses",  # aioresponses
        "SERVER_SOFTWARE": "tercel.client.fields:USER_AGENT",  # aiogram
    },
    "helpers": {
        "HeadersMixin": "tercel.content.mediafields:HeadersMixin",  # aiohttp_client_cache
        "MimeType": "tercel.undocumented:MimeType",
        "TimerNoop": "contextlib:nullcontext",  # aioresponses
        "parse_mimetype": "tercel.undocumented:parse_mimetype",  # aiohttp_pydantic
        "reify": "propcache.api:under_cached_property",  # aiohttp_debugtoolbar
        "sentinel": "tercel.content.unset:sentinel",
    },
    "http_exceptions": {  # aiobotocore; ours are the causes of ClientResponseError as theirs are
        "BadHttpMessage": "tercel.wire.errors:BadMessage",
        "BadStatusLine": "tercel.wire.errors:BadMessage",
        "HttpProcessingError": "tercel.wire.errors:WireError",
        "InvalidHeader": "tercel.wire.errors:BadMessage",
        "LineTooLong": "tercel.wire.errors:BadMessage",
        "TransferEncodingError": "tercel.wire.errors:BadMessage",
    },
    "web_protocol": {"_RequestHandler": "tercel.web.server:Handler"},  # pytest_aiohttp
}
# The loggers of "log", by the names that they have there.
_LOGGER_NAMES = {
    "access_logger": "access",
    "client_logger": "client",
    "internal_logger": "internal",
    "server_logger": "server",
    "web_logger": "web",
    "ws_logger": "websocket",
}
# Where else a public name may be that an old path is asked for: what is imported in one of
# aiohttp's modules can be imported from it.
_ELSEWHERE = ("tercel", "tercel.web", "multidict", "yarl")


def _collect(path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if path == "log":
        for name, room in _LOGGER_NAMES.items():
            found[name] = logging.getLogger(f"tercel.{room}")
    for name, place in _UNDOCUMENTED.get(path, {}).items():
        home, _, its_name = place.partition(":")
        found[name] = attrgetter(its_name)(importlib.import_module(home))
    for home, names in _NAMES[path].items():
        module = importlib.import_module(home)
        for name in names.split():
            found[name] = getattr(module, name)
    return found


def install() -> None:
    """From now on `import aiohttp`, and of its submodules, gives Tercel; again does nothing.

    `aiohttp.web is tercel.web`, and `importlib.metadata.version("aiohttp")` is SPOKEN_VERSION.
    Libraries built on aiohttp that are not installed give the rooms of ours that have their names
    (`tercel.ext.aliases`). RuntimeError where the real aiohttp is imported already.
    """
    if is_installed():
        return
    taken = sys.modules.get("aiohttp")
    if taken is not None or any(name.startswith("aiohttp.") for name in sys.modules):
        place = getattr(taken, "__file__", None) or "an unknown place"
        raise RuntimeError(
            f"aiohttp is imported already (from {place}), expected tercel.compat.install() "
            "to be called before anything imports it"
        )
    sys.meta_path.insert(0, _FINDER)
    importlib.import_module("tercel.ext.aliases").install()
    logging.getLogger("tercel")
    for room in _LOGGERS:
        # Levels and handlers that are set for aiohttp's loggers hold for ours.
        logging.getLogger(f"tercel.{room}").parent = logging.getLogger(f"aiohttp.{room}")


def find_spec(name: str) -> importlib.machinery.ModuleSpec | None:
    """The spec of an old path below our own name, such as "tercel.client_exceptions", else None."""
    path = name.partition(".")[2]
    if path not in _MODULES and path not in _NAMES:
        return None
    return importlib.machinery.ModuleSpec(name, _LOADER)


def is_installed() -> bool:
    """True while `import aiohttp` gives Tercel."""
    return _FINDER in sys.meta_path


def uninstall() -> None:
    """Undo `install()`: later imports find the real aiohttp, or none. What has a name keeps it."""
    if is_installed():
        sys.meta_path.remove(_FINDER)
        importlib.import_module("tercel.ext.aliases").uninstall()
        for room in _LOGGERS:
            logging.getLogger(f"tercel.{room}").parent = logging.getLogger("tercel")
        for name in [name for name in sys.modules if name.partition(".")[0] == "aiohttp"]:
            del sys.modules[name]


def run_script(path: str, arguments: Sequence[str] = ()) -> None:
    """Run the Python file (or folder with a `__main__.py`) at `path` as a program, with the alias.

    OSError if it can't be read; whatever the program raises, SystemExit included.
    """
    install()
    sys.argv[:] = [path, *arguments]
    if Path(path).is_file():
        sys.path.insert(0, str(Path(path).resolve().parent))
    runpy.run_path(path, run_name="__main__")


def run_module(name: str, arguments: Sequence[str] = ()) -> None:
    """Run a module or package by its dotted name, as `python -m` does, with the alias.

    ImportError if there is none; whatever the program raises, SystemExit included.
    """
    install()
    sys.argv[:] = [name, *arguments]
    if sys.path[:1] != [""]:
        sys.path.insert(0, "")
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def pytest_addoption() -> None:
    """Called by pytest as soon as `-p tercel.compat` is read, before it loads other plugins."""
    try:
        install()
    except RuntimeError as error:
        import pytest

        raise pytest.UsageError(str(error)) from None


class _Finder(importlib.abc.MetaPathFinder):
    """Stands first on `sys.meta_path` and answers for aiohttp, the modules and the distribution."""

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        top, _, rest = name.partition(".")
        if top != "aiohttp":
            return None
        if rest and rest not in _MODULES and rest not in _NAMES:
            raise ModuleNotFoundError(
                f"Tercel, which stands in for aiohttp, has no counterpart of {name!r}", name=name
            )
        return importlib.machinery.ModuleSpec(name, _LOADER, is_package=not rest)

    def find_distributions(self, context: Any = None) -> Iterator[importlib.metadata.Distribution]:
        """The distribution that `importlib.metadata` finds under the name aiohttp."""
        name = getattr(context, "name", None)
        if name is None or name.lower() == "aiohttp":
            yield _Distribution()


class _Loader(importlib.abc.Loader):
    """Hands out modules that exist already, as they are."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        path = spec.name.partition(".")[2]
        if not path:
            return _Alias(spec.name)
        home = _MODULES.get(path)
        if home is not None:
            module = importlib.import_module(home)
            vars(module).setdefault("__getattr__", partial(_look_elsewhere, spec.name))
            self._specs[spec.name] = module.__spec__
            return module
        made = ModuleType(spec.name, f"The names of {spec.name}, as Tercel has them.")
        made.__dict__.update(_collect(path), __getattr__=partial(_look_elsewhere, spec.name))
        return made

    def exec_module(self, module: ModuleType) -> None:
        # The machinery has written the alias's spec over that of a module of ours.
        name = module.__spec__.name if module.__spec__ is not None else ""
        own = self._specs.pop(name, None)
        if own is not None:
            module.__spec__ = own


def _look_elsewhere(path: str, name: str) -> Any:
    """A public name that was asked for in a module of theirs and is at home in another."""
    if not name.startswith("_"):
        found = [getattr(importlib.import_module(home), name, None) for home in _ELSEWHERE]
        found.append(vars(importlib.import_module("tercel.abc")).get(name))
        for value in found:
            if value is not None and not isinstance(value, ModuleType):
                return value
    raise AttributeError(f"module {path!r} has no attribute {name!r}")


def _names() -> tuple[str, ...]:
    names: tuple[str, ...] = vars(tercel)["__all__"]
    return names


class _Alias(ModuleType):
    """The module `aiohttp`: Tercel's names, and aiohttp's submodules."""

    __path__: list[str] = []
    __version__ = SPOKEN_VERSION

    def __init__(self, name: str) -> None:
        super().__init__(name, tercel.__doc__)
        self.__all__ = list(_names())
        self.__file__ = tercel.__file__

    def __getattr__(self, name: str) -> Any:
        if name in _MODULES or name in _NAMES:
            return importlib.import_module(f"aiohttp.{name}")
        value = getattr(tercel, name, None)
        if value is None or name.startswith("_") or isinstance(value, ModuleType):
            raise AttributeError(f"module 'aiohttp' has no attribute {name!r}")
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_names(), *_MODULES, *_NAMES})


class _Distribution(importlib.metadata.Distribution):
    """What is installed under the name aiohttp: nothing but Tercel."""

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return (
            f"Metadata-Version: 2.1\nName: aiohttp\nVersion: {SPOKEN_VERSION}\n"
            f"Summary: Tercel {tercel.__version__} in the place of aiohttp\n"
        )

    def locate_file(self, path: Any) -> Any:
        return Path(tercel.__file__).parent / path


_FINDER = _Finder()
_LOADER = _Loader()


def __getattr__(name: str) -> Any:
    if name != "__aiohttp_modules__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    table: dict[str, str | dict[str, Any]] = dict(_MODULES)
    for path in _NAMES:
        table[path] = _collect(path)
    globals()[name] = table
    return table
