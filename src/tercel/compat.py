"""Where code that imports aiohttp's submodules finds their names in Tercel.

`__aiohttp_modules__` maps the path of a submodule (`"web_request"`, for `aiohttp.web_request`) to
the dotted name of the module of ours that answers for it, or, where several rooms share its names,
to a dict of name to object. It is made when first asked for, since that imports every room it
names. Only rooms that are built have a row. Nothing else in Tercel imports this module.
"""

import importlib
from typing import Any

__all__ = ["__aiohttp_modules__"]

__aiohttp_modules__: dict[str, str | dict[str, Any]]

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
    "resolver": "tercel.resolver",
    "streams": "tercel.net.streams",
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
    "http_websocket": {"tercel": "WSCloseCode WSMessage WSMsgType WebSocketError"},
    "http_writer": {"tercel": "HttpVersion HttpVersion10 HttpVersion11"},
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


def _collect(homes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for home, names in homes.items():
        module = importlib.import_module(home)
        for name in names.split():
            found[name] = getattr(module, name)
    return found


def __getattr__(name: str) -> Any:
    if name != "__aiohttp_modules__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    table: dict[str, str | dict[str, Any]] = dict(_MODULES)
    for path, homes in _NAMES.items():
        table[path] = _collect(homes)
    globals()[name] = table
    return table
