"""How a server's certificate is judged: the `ssl` argument, its old spellings, and pinned digests.

In: what the caller gave. Out: one value, True, False, an `ssl.SSLContext` or a `Fingerprint`, and
the context that belongs to it (client_advanced, "SSL control for TCP sockets").
"""

from __future__ import annotations

import hashlib
import ssl
import warnings
from typing import Any

from tercel.client.errors import ServerFingerprintMismatch
from tercel.net.tls import default_context, unverified_context

__all__ = ("Fingerprint", "Trust", "context_of", "merge_trust")


class Fingerprint:
    """The SHA256 digest (32 bytes) that the server's certificate must have, in DER form.

    Raises `ValueError` for digests of MD5, SHA1, or of a length that is none of these.
    """

    HASHFUNC_BY_DIGESTLEN = {16: hashlib.md5, 20: hashlib.sha1, 32: hashlib.sha256}

    __slots__ = ("_digest",)

    def __init__(self, fingerprint: bytes) -> None:
        size = len(fingerprint)
        if size not in self.HASHFUNC_BY_DIGESTLEN:
            raise ValueError("fingerprint has invalid length")
        if size != 32:
            raise ValueError("md5 and sha1 are insecure and not supported. Use sha256.")
        self._digest = bytes(fingerprint)

    @property
    def fingerprint(self) -> bytes:
        """The expected digest."""
        return self._digest

    def check(self, transport: Any) -> None:
        """Raise `ServerFingerprintMismatch` unless the peer of the transport has the certificate.

        A transport without TLS passes.
        """
        tls = transport.get_extra_info("ssl_object")
        if tls is None:
            return
        certificate = tls.getpeercert(binary_form=True)
        got = hashlib.sha256(certificate or b"").digest()
        if got != self._digest:
            peer = transport.get_extra_info("peername")
            host, port = peer[:2] if isinstance(peer, tuple) else (str(peer), 0)
            raise ServerFingerprintMismatch(self._digest, got, host, port)

    def check_or_abort(self, transport: Any) -> None:
        """The same, and a transport that fails is closed at once."""
        try:
            self.check(transport)
        except BaseException:
            transport.abort()
            raise

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return f"<Fingerprint {self._digest.hex()}>"


Trust = ssl.SSLContext | bool | Fingerprint


def merge_trust(
    ssl_option: Trust | None = True,
    verify_ssl: bool | None = None,
    ssl_context: ssl.SSLContext | None = None,
    fingerprint: bytes | None = None,
    *,
    stacklevel: int = 3,
) -> Trust:
    """One value of `ssl` and of the old `verify_ssl`, `ssl_context` and `fingerprint`.

    The old ones still work and warn (`DeprecationWarning`); `ValueError` when two of them are
    given, `TypeError` for an `ssl` that is none of the four kinds. None is True.
    """
    chosen: list[Trust] = []
    if verify_ssl is not None and not verify_ssl:
        _warn("verify_ssl is deprecated, use ssl=False instead", stacklevel)
        chosen.append(False)
    if ssl_context is not None:
        _warn("ssl_context is deprecated, use ssl=context instead", stacklevel)
        chosen.append(ssl_context)
    if fingerprint is not None:
        _warn("fingerprint is deprecated, use ssl=Fingerprint(fingerprint) instead", stacklevel)
        chosen.append(Fingerprint(fingerprint))
    if ssl_option is None:
        ssl_option = True
    if not isinstance(ssl_option, (ssl.SSLContext, bool, Fingerprint)):
        raise TypeError(
            f"ssl should be SSLContext, bool, Fingerprint or None, got {ssl_option!r} instead."
        )
    if ssl_option is not True:
        chosen.append(ssl_option)
    if len(chosen) > 1:
        raise ValueError(
            "verify_ssl, ssl_context, fingerprint and ssl parameters are mutually exclusive"
        )
    if chosen and not isinstance(chosen[0], (ssl.SSLContext, bool, Fingerprint)):
        raise TypeError(f"ssl_context should be SSLContext, got {chosen[0]!r} instead.")
    return chosen[0] if chosen else True


def _warn(sentence: str, stacklevel: int) -> None:
    warnings.warn(sentence, DeprecationWarning, stacklevel=stacklevel + 1)


def context_of(trust: Trust) -> ssl.SSLContext:
    """The context by which the handshake is made; a fingerprint is checked after it."""
    if isinstance(trust, ssl.SSLContext):
        return trust
    return default_context() if trust is True else unverified_context()
