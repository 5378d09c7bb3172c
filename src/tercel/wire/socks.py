"""The client's side of a SOCKS handshake, versions 4, 4a and 5, without I/O.

In: where to go, who asks, and the proxy's octets. Out: octets to send; `is_done` once the proxy
has opened the way. Raises `SocksError` for a refusal and for anything that is not SOCKS (RFC
1928, 1929; SOCKS4 and 4a as described by their authors). Never resolves a name.
"""

from tercel.wire.errors import WireError

__all__ = ("Socks4Handshake", "Socks5Handshake", "SocksError")

_REPLIES_4 = {
    91: "request rejected or failed",
    92: "it can't reach an identd on this host",
    93: "the identd on this host names another user",
}
#: RFC 1928 section 6.
REPLIES_5 = {
    1: "general failure",
    2: "connection not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
_NO_METHOD = 0xFF


class SocksError(WireError):
    """The proxy refuses, or does not speak SOCKS; `reply` is the code of its reply, or None."""

    def __init__(self, message: str, reply: int | None = None) -> None:
        super().__init__(message, 502)
        self.reply = reply


def _octets(value: str, what: str, encoding: str = "utf-8") -> bytes:
    """The octets of one field, 255 of them at most."""
    try:
        octets = value.encode(encoding)
    except UnicodeEncodeError:
        raise SocksError(f"the {what} is {value!r}, expected {encoding} text") from None
    if len(octets) > 255:
        raise SocksError(f"the {what} has {len(octets)} octets, expected 255 at most")
    return octets


def _port(port: int) -> bytes:
    if not 0 < port < 65_536:
        raise SocksError(f"the port is {port}, expected 1 to 65535")
    return port.to_bytes(2, "big")


class Socks4Handshake:
    """SOCKS4 to an IPv4 address; 4a to a name, which the proxy resolves.

    `user`: the user id, without NUL. `start` gives the first octets to send, `feed` those that
    answer what came.
    """

    def __init__(self, host: str, port: int, user: str | None = None) -> None:
        name = b""
        address = _address_octets(host)
        if len(address) != 4:
            name = _octets(host, "host", "ascii")
            if not name or b"\0" in name or ":" in host:
                raise SocksError(f"the host is {host!r}, SOCKS4 takes IPv4 and names")
            address = b"\0\0\0\1"
        ident = _octets(user or "", "user id")
        if b"\0" in ident:
            raise SocksError("the user id contains NUL")
        self._request = b"\4\1" + _port(port) + address + ident + b"\0"
        if name:
            self._request += name + b"\0"
        self._held = b""
        self.is_done = False

    def start(self) -> bytes:
        """The octets to send first."""
        return self._request

    def feed(self, data: bytes) -> bytes:
        """Accept octets of the proxy; give those to send."""
        self._held += data
        if len(self._held) < 8:
            if self._held and self._held[0] != 0:
                raise SocksError("the proxy's answer is not SOCKS4")
            return b""
        if self._held[0] != 0:
            raise SocksError("the proxy's answer is not SOCKS4")
        code = self._held[1]
        if code != 90:
            raise SocksError(f"the proxy refuses: {_REPLIES_4.get(code, f'code {code}')}", code)
        self._held = self._held[8:]
        self.is_done = True
        return b""

    @property
    def rest(self) -> bytes:
        """Octets that came after the handshake."""
        return self._held if self.is_done else b""


class Socks5Handshake:
    """SOCKS5 to an IPv4 or IPv6 address, or to a name, which the proxy resolves.

    `user` and `password`: for RFC 1929, 1 to 255 octets each; sent only if the proxy asks for them.
    `start` gives the first octets to send, `feed` those that answer what came.
    """

    def __init__(
        self, host: str, port: int, user: str | None = None, password: str | None = None
    ) -> None:
        self._target = _socks5_address(host) + _port(port)
        self._login: bytes | None = None
        if user:
            name = _octets(user, "user name")
            word = _octets(password or "", "password")
            self._login = bytes((1, len(name))) + name + bytes((len(word),)) + word
        self._held = b""
        self._step = self._read_method
        self.is_done = False

    def start(self) -> bytes:
        """The octets to send first."""
        return b"\5\1\0" if self._login is None else b"\5\2\0\2"

    def feed(self, data: bytes) -> bytes:
        """Accept octets of the proxy; give those to send."""
        self._held += data
        answer = b""
        while not self.is_done:
            given = self._step()
            if given is None:
                break
            answer += given
        return answer

    @property
    def rest(self) -> bytes:
        """Octets that came after the handshake."""
        return self._held if self.is_done else b""

    def _read_method(self) -> bytes | None:
        held = self._held
        if held and held[0] != 5:
            raise SocksError("the proxy's answer is not SOCKS5")
        if len(held) < 2:
            return None
        method = held[1]
        self._held = held[2:]
        if method == 0:
            self._step = self._read_reply
            return b"\5\1\0" + self._target
        if method == 2 and self._login is not None:
            self._step = self._read_login
            return self._login
        if method in (2, _NO_METHOD):
            if self._login is None:
                raise SocksError("the proxy asks for a user name and a password")
            raise SocksError("the proxy takes none of our ways to log in")
        raise SocksError(f"the proxy chose method {method}, which was not offered")

    def _read_login(self) -> bytes | None:
        held = self._held
        if len(held) < 2:
            return None
        self._held = held[2:]
        if held[1] != 0:
            raise SocksError("the proxy refuses the user name and password")
        self._step = self._read_reply
        return b"\5\1\0" + self._target

    def _read_reply(self) -> bytes | None:
        held = self._held
        if held and held[0] != 5:
            raise SocksError("the proxy's answer is not SOCKS5")
        if len(held) < 2:
            return None
        code = held[1]
        if code != 0:
            raise SocksError(f"the proxy refuses: {REPLIES_5.get(code, f'code {code}')}", code)
        if len(held) < 5:
            return None
        kind = held[3]
        if kind == 1:
            size = 4 + 4 + 2
        elif kind == 4:
            size = 4 + 16 + 2
        elif kind == 3:
            size = 4 + 1 + held[4] + 2
        else:
            raise SocksError(f"the proxy's address is of type {kind}, expected 1, 3 or 4")
        if len(held) < size:
            return None
        self._held = held[size:]
        self.is_done = True
        return b""


def _address_octets(host: str) -> bytes:
    """The 4 or 16 octets of an IP address; none for anything else."""
    from ipaddress import ip_address

    try:
        return ip_address(host).packed
    except ValueError:
        return b""


def _socks5_address(host: str) -> bytes:
    """Type and octets of an address (RFC 1928 section 5)."""
    address = _address_octets(host)
    if address:
        return (b"\1" if len(address) == 4 else b"\4") + address
    name = _octets(host, "host", "ascii")
    if not name or ":" in host:
        raise SocksError(f"the host is {host!r}, expected an IP address or a name")
    return bytes((3, len(name))) + name
