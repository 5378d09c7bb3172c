"""tercel.compat: every row leads somewhere, and to the object that the front doors give."""

import importlib
import types

import pytest

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
