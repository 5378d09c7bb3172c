"""The client's exceptions: bases, attributes, texts, pickling."""

import asyncio
import pickle
import ssl
from typing import NamedTuple

import pytest
from yarl import URL

from tercel.client import errors


class Key(NamedTuple):
    host: str
    port: int | None
    is_ssl: bool
    ssl: object


class Info(NamedTuple):
    url: URL
    method: str
    headers: dict[str, str]
    real_url: URL


KEY = Key("h", 80, True, True)
INFO = Info(URL("http://h/x"), "GET", {}, URL("http://h/x#a"))

BASES = [
    ("ClientConnectionError", ["ClientError"]),
    ("ClientConnectionResetError", ["ClientConnectionError", ConnectionResetError]),
    ("ClientOSError", ["ClientConnectionError", OSError]),
    ("ClientConnectorError", ["ClientOSError"]),
    ("ClientConnectorDNSError", ["ClientConnectorError"]),
    ("ClientProxyConnectionError", ["ClientConnectorError"]),
    ("ClientSSLError", ["ClientConnectorError"]),
    ("ClientConnectorSSLError", ["ClientSSLError", ssl.SSLError]),
    ("ClientConnectorCertificateError", ["ClientSSLError", ssl.CertificateError]),
    ("UnixClientConnectorError", ["ClientConnectorError"]),
    ("ServerConnectionError", ["ClientConnectionError"]),
    ("ServerDisconnectedError", ["ServerConnectionError"]),
    ("ServerFingerprintMismatch", ["ServerConnectionError"]),
    ("ServerTimeoutError", ["ServerConnectionError", asyncio.TimeoutError]),
    ("ConnectionTimeoutError", ["ServerTimeoutError"]),
    ("SocketTimeoutError", ["ServerTimeoutError"]),
    ("ClientPayloadError", ["ClientError"]),
    ("UploadAbortedError", ["ClientError"]),
    ("ClientResponseError", ["ClientError"]),
    ("ClientHttpProxyError", ["ClientResponseError"]),
    ("ContentTypeError", ["ClientResponseError"]),
    ("TooManyRedirects", ["ClientResponseError"]),
    ("WSServerHandshakeError", ["ClientResponseError"]),
    ("WSMessageTypeError", [TypeError]),
    ("InvalidURL", ["ClientError", ValueError]),
    ("InvalidUrlClientError", ["InvalidURL"]),
    ("RedirectClientError", ["ClientError"]),
    ("NonHttpUrlClientError", ["ClientError"]),
    ("InvalidUrlRedirectClientError", ["InvalidUrlClientError", "RedirectClientError"]),
    ("NonHttpUrlRedirectClientError", ["NonHttpUrlClientError", "RedirectClientError"]),
]


@pytest.mark.parametrize(("name", "bases"), BASES)
def test_documented_bases(name: str, bases: list[object]) -> None:
    found = getattr(errors, name)
    for wanted in bases:
        base = getattr(errors, wanted) if isinstance(wanted, str) else wanted
        assert issubclass(found, base)


@pytest.mark.parametrize(
    "kind",
    [
        errors.ClientConnectorError,
        errors.ClientConnectorDNSError,
        errors.ClientProxyConnectionError,
        errors.ClientSSLError,
        errors.ClientConnectorSSLError,
    ],
)
def test_connector_error_carries_the_system_error(kind: type) -> None:
    cause = ConnectionRefusedError(111, "refused")
    error = kind(KEY, cause)
    assert (error.host, error.port, error.ssl) == ("h", 80, True)
    assert (error.errno, error.strerror, error.os_error) == (111, "refused", cause)
    assert str(error) == "Cannot connect to host h:80 ssl:default [refused]"
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)


def test_certificate_error_wraps_any_exception() -> None:
    cause = ssl.SSLCertVerificationError(1, "self-signed")
    error = errors.ClientConnectorCertificateError(KEY, cause)
    assert error.certificate_error is cause
    assert error.ssl is True
    assert "SSLCertVerificationError" in str(error)
    assert isinstance(errors.ClientConnectorCertificateError(KEY, ValueError("x")), ssl.SSLError)


def test_unix_error_names_the_path() -> None:
    error = errors.UnixClientConnectorError("/run/s", KEY, FileNotFoundError(2, "absent"))
    assert error.path == "/run/s"
    assert str(error) == "Cannot connect to unix socket /run/s ssl:default [absent]"


def test_response_error() -> None:
    error = errors.ClientResponseError(INFO, (), status=404, message="Nope", headers={"A": "b"})
    assert str(error) == "404, message='Nope', url='http://h/x#a'"
    assert error.request_info is INFO
    assert error.history == ()
    assert error.body is None
    again = pickle.loads(pickle.dumps(error))
    assert again.args == error.args
    assert again.status == 404


def test_response_error_old_code() -> None:
    with pytest.warns(DeprecationWarning):
        error = errors.ClientResponseError(INFO, (), code=500)
    assert error.status == 500
    with pytest.warns(DeprecationWarning):
        assert error.code == 500
    with pytest.raises(ValueError):
        errors.ClientResponseError(INFO, (), code=500, status=500)


def test_invalid_url() -> None:
    plain = errors.InvalidURL("x:")
    assert (plain.url, plain.description, str(plain)) == ("x:", None, "x:")
    told = errors.InvalidURL("x:", "no host")
    assert (told.description, str(told), repr(told)) == (
        "no host",
        "x: - no host",
        "<InvalidURL x: - no host>",
    )


def test_server_disconnected_has_a_message() -> None:
    assert errors.ServerDisconnectedError().message == "Server disconnected"
    assert errors.ServerDisconnectedError("gone").args == ("gone",)


def test_fingerprint_mismatch() -> None:
    error = errors.FingerprintMismatch(b"a", b"b", "h", 443)
    assert isinstance(error, errors.ServerFingerprintMismatch)
    assert (error.expected, error.got, error.host, error.port) == (b"a", b"b", "h", 443)
