"""Tercel: HTTP for asyncio, both ends, with the interface that aiohttp made familiar.

`import tercel as aiohttp` and `from tercel import web` are the two front doors. The names of the
client side live here; each is imported from its room when somebody first asks for it, so that the
import itself costs next to nothing. `__init__.pyi` tells the same names to type checkers. Paths of
aiohttp's that have another name here, such as `tercel.client_exceptions`, are `tercel.compat`'s.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import Any

from tercel._build import COMPILED
from tercel._version import __version__

_ROOMS = {
    "tercel.client.auth": (
        "BasicAuth",
        "encode_basic_auth",
    ),
    "tercel.client.connector": (
        "BaseConnector",
        "Connection",
        "NamedPipeConnector",
        "TCPConnector",
        "UnixConnector",
    ),
    "tercel.client.cookies": (
        "CookieJar",
        "DummyCookieJar",
    ),
    "tercel.client.digest": ("DigestAuthMiddleware",),
    "tercel.client.errors": (
        "ClientConnectionError",
        "ClientConnectionResetError",
        "ClientConnectorCertificateError",
        "ClientConnectorDNSError",
        "ClientConnectorError",
        "ClientConnectorSSLError",
        "ClientError",
        "ClientHttpProxyError",
        "ClientOSError",
        "ClientPayloadError",
        "ClientProxyConnectionError",
        "ClientResponseError",
        "ClientSSLError",
        "ConnectionTimeoutError",
        "ContentTypeError",
        "FingerprintMismatch",
        "InvalidURL",
        "InvalidUrlClientError",
        "InvalidUrlRedirectClientError",
        "NonHttpUrlClientError",
        "NonHttpUrlRedirectClientError",
        "RedirectClientError",
        "ServerConnectionError",
        "ServerDisconnectedError",
        "ServerFingerprintMismatch",
        "ServerTimeoutError",
        "SocketTimeoutError",
        "TooManyRedirects",
        "UnixClientConnectorError",
        "UploadAbortedError",
        "WSMessageTypeError",
        "WSServerHandshakeError",
    ),
    "tercel.client.eventsource": (
        "EventSource",
        "ServerSentEvent",
    ),
    "tercel.client.informational": ("InformationalResponse",),
    "tercel.client.middleware": (
        "ClientHandlerType",
        "ClientMiddlewareType",
    ),
    "tercel.client.options": (
        "ClientTimeout",
        "RequestInfo",
    ),
    "tercel.client.request": ("ClientRequest",),
    "tercel.client.response": ("ClientResponse",),
    "tercel.client.retry": (
        "RetryBudget",
        "RetryMiddleware",
    ),
    "tercel.client.send": ("UploadTracker",),
    "tercel.client.session": (
        "ClientSession",
        "request",
    ),
    "tercel.client.tracing": (
        "TraceConfig",
        "TraceConnectionCreateEndParams",
        "TraceConnectionCreateStartParams",
        "TraceConnectionQueuedEndParams",
        "TraceConnectionQueuedStartParams",
        "TraceConnectionReuseconnParams",
        "TraceDnsCacheHitParams",
        "TraceDnsCacheMissParams",
        "TraceDnsResolveHostEndParams",
        "TraceDnsResolveHostStartParams",
        "TraceRequestChunkSentParams",
        "TraceRequestEndParams",
        "TraceRequestExceptionParams",
        "TraceRequestHeadersSentParams",
        "TraceRequestRedirectParams",
        "TraceRequestStartParams",
        "TraceResponseChunkReceivedParams",
    ),
    "tercel.client.trust": ("Fingerprint",),
    "tercel.client.websocket": (
        "ClientWSTimeout",
        "ClientWebSocketResponse",
    ),
    "tercel.content.assembly": ("MultipartWriter",),
    "tercel.content.chainmap": ("ChainMapProxy",),
    "tercel.content.dispositions": (
        "BadContentDispositionHeader",
        "BadContentDispositionParam",
        "parse_content_disposition",
    ),
    "tercel.content.form": ("FormData",),
    "tercel.content.listener": ("WebSocketListener",),
    "tercel.content.multipart": (
        "MultipartReader",
        "MultipartResponseWrapper",
    ),
    "tercel.content.parts": (
        "BodyPartReader",
        "BodyPartReaderPayload",
    ),
    "tercel.content.payload": (
        "PAYLOAD_REGISTRY",
        "AsyncIterablePayload",
        "BufferedReaderPayload",
        "BytesIOPayload",
        "BytesPayload",
        "IOBasePayload",
        "JsonPayload",
        "Payload",
        "StringIOPayload",
        "StringPayload",
        "TextIOPayload",
        "get_payload",
        "payload_type",
    ),
    "tercel.content.streamer": ("streamer",),
    "tercel.net.dataqueue": (
        "DataQueue",
        "FlowControlDataQueue",
    ),
    "tercel.net.dial": (
        "AddrInfoType",
        "SocketFactoryType",
    ),
    "tercel.net.listening": ("WebSocketTransport",),
    "tercel.net.resolve": (
        "AsyncResolver",
        "ThreadedResolver",
    ),
    "tercel.net.streams": (
        "EMPTY_PAYLOAD",
        "EofStream",
        "StreamReader",
    ),
    "tercel.resolver": ("DefaultResolver",),
    "tercel.wire.libraries": ("set_zlib_backend",),
    "tercel.wire.media": ("content_disposition_filename",),
    "tercel.wire.ranges": ("ETag",),
    "tercel.wire.version": (
        "HttpVersion",
        "HttpVersion10",
        "HttpVersion11",
    ),
    "tercel.wire.ws.codes": (
        "WSCloseCode",
        "WSMessage",
        "WSMsgType",
        "WebSocketError",
    ),
}
# These need Gunicorn, which is not Tercel's to bring along: `import *` leaves them out.
_WORKERS = ("GunicornUVLoopWebWorker", "GunicornWebWorker")
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = ("abc", "hdrs", "web")

__all__ = ("COMPILED", "__version__", "hdrs", *sorted(_HOMES))


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    room = "tercel.web.worker" if name in _WORKERS else _HOMES.get(name)
    if room is None:
        if _OldPaths.find_spec(f"{__name__}.{name}") is not None:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(room), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _OldPaths:
    """Stands last on `sys.meta_path`: what nobody else has found may be one of aiohttp's paths."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        top, _, rest = name.partition(".")
        if top != __name__ or not rest or "." in rest or rest.startswith("_"):
            return None
        compat: Any = import_module("tercel.compat")
        spec: ModuleSpec | None = compat.find_spec(name)
        return spec


sys.meta_path.append(_OldPaths)
