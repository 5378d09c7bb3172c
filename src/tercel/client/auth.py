"""Basic credentials (RFC 7617), and where the netrc file has some.

In: login and password, a field value, a URL, a host. Out: `BasicAuth`, a field value. The netrc
file is read again only when it has changed; one that can't be read is told of in the log, once.
"""

from __future__ import annotations

import binascii
import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from yarl import URL

if TYPE_CHECKING:
    from netrc import netrc

__all__ = ("BasicAuth", "check_credentials", "encode_basic_auth", "find_netrc_auth")

logger = logging.getLogger("tercel.client")


def encode_basic_auth(login: str, password: str = "", encoding: str = "utf-8") -> str:
    """The value of Authorization or Proxy-Authorization (client_reference, "encode_basic_auth").

    Raises ValueError for a login that is None or holds a colon, and for a password that is None;
    UnicodeEncodeError for what `encoding` lacks.
    """
    check_credentials(login, password)
    octets = f"{login}:{password}".encode(encoding)
    return "Basic " + binascii.b2a_base64(octets, newline=False).decode("ascii")


def check_credentials(login: str | None, password: str | None) -> None:
    """Raise ValueError for a login that is None or holds a colon, or a password that is None."""
    if login is None:
        raise ValueError("None is not allowed as login value")
    if password is None:
        raise ValueError("None is not allowed as password value")
    if ":" in login:
        raise ValueError('A ":" is not allowed in login (RFC 1945#section-11.1)')


class _Credentials(NamedTuple):
    login: str
    password: str
    encoding: str


class BasicAuth(_Credentials):
    """Login, password and their encoding (client_reference, "BasicAuth").

    ValueError for a login that is None or holds a colon, and for a password that is None.
    """

    __slots__ = ()

    def __new__(cls, login: str, password: str = "", encoding: str = "latin1") -> BasicAuth:
        check_credentials(login, password)
        return super().__new__(cls, login, password, encoding)

    @classmethod
    def decode(cls, auth_header: str, encoding: str = "latin1") -> BasicAuth:
        """The credentials in the value of Authorization; ValueError where there are none."""
        scheme, _, coded = auth_header.strip().partition(" ")
        if not coded:
            raise ValueError("Could not parse authorization header.")
        if scheme.lower() != "basic":
            raise ValueError(f"Unknown authorization method {scheme}")
        try:
            octets = binascii.a2b_base64(coded.strip().encode("ascii"), strict_mode=True)
        except (UnicodeEncodeError, binascii.Error):
            raise ValueError("Invalid base64 encoding.") from None
        login, colon, password = octets.decode(encoding).partition(":")
        if not colon:
            raise ValueError("Invalid credentials.")
        return cls(login, password, encoding=encoding)

    @classmethod
    def from_url(cls, url: URL, *, encoding: str = "latin1") -> BasicAuth | None:
        """User and password of `url`, None where it has neither; TypeError for what is no URL."""
        if not isinstance(url, URL):
            raise TypeError("url should be yarl.URL instance")
        if url.raw_user is None and url.raw_password is None:
            return None
        return cls(url.user or "", url.password or "", encoding=encoding)

    def encode(self) -> str:
        """The value of Authorization; UnicodeEncodeError for what the encoding lacks."""
        return encode_basic_auth(self.login, self.password, self.encoding)


#: The file read last: path, time of change and size; and what it held, None for nothing readable.
_netrc: tuple[tuple[str, int, int], netrc | None] | None = None


def find_netrc_auth(host: str | None) -> BasicAuth | None:
    """The credentials for `host` in the netrc file; None where it has none.

    The file is the one named by NETRC, else `~/.netrc`, or `~/_netrc` on Windows
    (client_reference, "trust_env").
    """
    if not host:
        return None
    found = _read_netrc()
    entry = None if found is None else found.authenticators(host)
    if entry is None:
        return None
    login, account, password = entry
    try:
        return BasicAuth(login or account or "", password or "", "utf-8")
    except ValueError:
        logger.warning("The netrc entry for %s has a login with a colon: it can't be sent", host)
        return None


def _read_netrc() -> netrc | None:
    global _netrc
    named = os.environ.get("NETRC")
    path = named or os.path.expanduser("~/_netrc" if os.name == "nt" else "~/.netrc")
    try:
        status = os.stat(path)
        key = (path, status.st_mtime_ns, status.st_size)
    except OSError:
        key = (path, 0, 0)
    if _netrc is not None and _netrc[0] == key:
        return _netrc[1]
    found: netrc | None = None
    if named or key[1]:
        from netrc import NetrcParseError, netrc

        try:
            found = netrc(path)
        except (OSError, NetrcParseError, UnicodeDecodeError) as error:
            logger.warning("Could not read the netrc file %s: %s", path, error)
    _netrc = (key, found)
    return found
