"""The exceptions of the client: one class for each thing that can go wrong with a request.

In: what was asked, what came, what was expected. Out: exceptions whose names, bases and attributes
are those of the documentation (client_reference, "Client exceptions"); `ClientResponseError` can
also carry the first part of the answer's body. Imports nothing of the client, so that every room
may import it.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping
from typing import Any, Protocol

from yarl import URL

from tercel.net.errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientError,
    WSMessageTypeError,
)
from tercel.wire.errors import WireError

__all__ = (
    "AnswerError",
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
)


class AnswerError(Exception):
    """The head of an answer can't be read; `error` is the wire's. Never leaves the client."""

    def __init__(self, error: WireError) -> None:
        super().__init__(error.message)
        self.error = error


class Endpoint(Protocol):
    """What an error says of the place that could not be reached (a pool's ConnectionKey)."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def is_ssl(self) -> bool: ...
    @property
    def ssl(self) -> Any: ...


class AskedRequest(Protocol):
    """What an error says of the request it ends (a RequestInfo)."""

    @property
    def url(self) -> URL: ...
    @property
    def method(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def real_url(self) -> URL: ...


# --- answers -----------------------------------------------------------------------------------


class ClientResponseError(ClientError):
    """An answer came, and it is not one that can be used.

    `request_info`: the request; `history`: the answers that redirected to it; `status`: the HTTP
    status, 0 when there is none; `message`: the reason; `headers`: the answer's fields, or None;
    `body`: the first bytes of the answer's body where `raise_for_status` read them (bounded), or
    None.
    """

    def __init__(
        self,
        request_info: AskedRequest,
        history: tuple[Any, ...],
        *,
        code: int | None = None,
        status: int | None = None,
        message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(request_info, history)
        if code is not None:
            if status is not None:
                raise ValueError("code and status were both given; code is the old name of status")
            warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
            status = code
        self.request_info = request_info
        self.history = history
        self.status: int = status or 0
        self.message = message
        self.headers = headers
        self.body: bytes | None = None

    def __str__(self) -> str:
        return f"{self.status}, message={self.message!r}, url={str(self.request_info.real_url)!r}"

    def __repr__(self) -> str:
        text = f"{self.request_info!r}, {self.history!r}"
        if self.status:
            text += f", status={self.status!r}"
        if self.message:
            text += f", message={self.message!r}"
        if self.headers is not None:
            text += f", headers={self.headers!r}"
        return f"{type(self).__name__}({text})"

    @property
    def code(self) -> int:
        """The status under its old name. Deprecated."""
        warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
        return self.status

    @code.setter
    def code(self, value: int) -> None:
        warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
        self.status = value


class ContentTypeError(ClientResponseError):
    """The body's content type is not the one that was asked for."""


class TooManyRedirects(ClientResponseError):
    """More redirects than `max_redirects`."""


class WSServerHandshakeError(ClientResponseError):
    """The server's answer to a WebSocket handshake is not an acceptance."""


class ClientHttpProxyError(ClientResponseError):
    """The proxy refused to open a tunnel."""


class ClientPayloadError(ClientError):
    """The body of an answer is broken: bad compression, bad chunks, or too short."""


class UploadAbortedError(ClientError):
    """The request's body was never sent to its end."""


# --- connections -------------------------------------------------------------------------------


class ClientOSError(ClientConnectionError, OSError):
    """An OSError of the connection: `errno` and `strerror` are those of the system."""


class ClientConnectorError(ClientOSError):
    """No connection could be made.

    `connection_key` names the place, `os_error` is the reason. Attributes: `host`, `port`, `ssl`,
    `os_error`, `errno`, `strerror`.
    """

    def __init__(self, connection_key: Endpoint, os_error: OSError) -> None:
        self._conn_key = connection_key
        self._os_error = os_error
        super().__init__(os_error.errno, os_error.strerror)
        self.args = (connection_key, os_error)

    @property
    def os_error(self) -> OSError:
        return self._os_error

    @property
    def host(self) -> str:
        return self._conn_key.host

    @property
    def port(self) -> int | None:
        return self._conn_key.port

    @property
    def ssl(self) -> Any:
        return self._conn_key.ssl

    def __str__(self) -> str:
        place = f"{self.host}:{self.port}"
        return f"Cannot connect to host {place} {self._verification()} [{self._reason()}]"

    def _verification(self) -> str:
        return f"ssl:{'default' if self.ssl is True else self.ssl}"

    def _reason(self) -> str:
        error = self._os_error
        return error.strerror or str(error) or type(error).__name__

    __reduce__ = BaseException.__reduce__


class ClientConnectorDNSError(ClientConnectorError):
    """The name of the host could not be resolved."""


class ClientProxyConnectionError(ClientConnectorError):
    """No connection could be made to the proxy."""


class UnixClientConnectorError(ClientConnectorError):
    """No connection could be made to the Unix socket at `path`."""

    def __init__(self, path: str, connection_key: Endpoint, os_error: OSError) -> None:
        self._path = path
        super().__init__(connection_key, os_error)
        self.args = (path, connection_key, os_error)

    @property
    def path(self) -> str:
        return self._path

    def __str__(self) -> str:
        return (
            f"Cannot connect to unix socket {self.path} {self._verification()} [{self._reason()}]"
        )


class ClientSSLError(ClientConnectorError):
    """TLS could not be set up."""


class ClientConnectorSSLError(ClientSSLError, ssl.SSLError):
    """The TLS handshake failed."""


class ClientConnectorCertificateError(ClientSSLError, ssl.CertificateError):
    """The server's certificate is not to be trusted; `certificate_error` is the reason."""

    def __init__(self, connection_key: Endpoint, certificate_error: Exception) -> None:
        if isinstance(certificate_error, OSError):
            os_error: OSError = certificate_error
        else:
            os_error = OSError(None, str(certificate_error))
        self._certificate_error = certificate_error
        super().__init__(connection_key, os_error)
        self.args = (connection_key, certificate_error)

    @property
    def certificate_error(self) -> Exception:
        return self._certificate_error

    @property
    def host(self) -> str:
        return self._conn_key.host

    @property
    def port(self) -> int | None:
        return self._conn_key.port

    @property
    def ssl(self) -> bool:
        return self._conn_key.is_ssl

    def __str__(self) -> str:
        error = self._certificate_error
        kind = type(error).__name__
        return (
            f"Cannot connect to host {self.host}:{self.port} ssl:{self.ssl} [{kind}: {error.args}]"
        )


class ServerConnectionError(ClientConnectionError):
    """The server misbehaved as a peer of the connection."""


class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection before it had answered; `message` says more, if known."""

    def __init__(self, message: str | None = None) -> None:
        self.message = "Server disconnected" if message is None else message
        super().__init__(self.message)


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The server took too long."""


class ConnectionTimeoutError(ServerTimeoutError):
    """No connection within `connect` or `sock_connect` seconds."""


class SocketTimeoutError(ServerTimeoutError):
    """Nothing received for `sock_read` seconds."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The certificate of the server has another digest (`got`) than the `expected` one."""

    def __init__(self, expected: bytes, got: bytes, host: str, port: int) -> None:
        super().__init__(expected, got, host, port)
        self.expected = expected
        self.got = got
        self.host = host
        self.port = port

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} expected={self.expected!r} got={self.got!r} "
            f"host={self.host!r} port={self.port!r}>"
        )


FingerprintMismatch = ServerFingerprintMismatch


# --- addresses ---------------------------------------------------------------------------------


class InvalidURL(ClientError, ValueError):
    """The URL can't be asked for: it has no host, or is no URL at all.

    `url`: as it was given; `description`: what is wrong with it, or None.
    """

    def __init__(self, url: str | URL, description: str | None = None) -> None:
        self._url = url
        self._description = description
        if description is None:
            super().__init__(url)
        else:
            super().__init__(url, description)

    @property
    def url(self) -> str | URL:
        return self._url

    @property
    def description(self) -> str | None:
        return self._description

    def __str__(self) -> str:
        if self._description is None:
            return str(self._url)
        return f"{self._url} - {self._description}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class InvalidUrlClientError(InvalidURL):
    """The URL of the request is malformed."""


class RedirectClientError(ClientError):
    """A redirect leads nowhere that can be followed."""


class NonHttpUrlClientError(ClientError):
    """The URL's scheme is not one of HTTP."""


class InvalidUrlRedirectClientError(InvalidUrlClientError, RedirectClientError):
    """The redirect's URL is malformed."""


class NonHttpUrlRedirectClientError(NonHttpUrlClientError, RedirectClientError):
    """The redirect's URL has a scheme that is not one of HTTP."""
