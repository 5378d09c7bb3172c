"""TLS for connections that we open: which certificates are trusted, and the handshake itself.

In: verify or not; an open transport and the protocol that takes it over. Out: an `ssl.SSLContext`
made once, a transport on which TLS is spoken. Trusts the operating system's store (`truststore`
where the system has one of its own kind), else certifi. Closes the transport when the handshake
fails.
"""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
import sys
from typing import Any

__all__ = ("default_context", "start_tls", "unverified_context")

#: What we speak, for the peer to choose from (RFC 7301).
_ALPN = ["http/1.1"]
_PLATFORM: str = sys.platform


@functools.cache
def default_context() -> ssl.SSLContext:
    """The context that verifies certificates and host names; the same one on every call."""
    context = _system_context() or ssl.create_default_context()
    if type(context) is ssl.SSLContext and not _has_system_store():
        try:
            import certifi
        except ImportError:
            pass
        else:
            context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(_ALPN)
    return context


@functools.cache
def unverified_context() -> ssl.SSLContext:
    """The context that takes any certificate; the same one on every call."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options |= ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(_ALPN)
    return context


def _system_context() -> ssl.SSLContext | None:
    """A context on the system's own trust store, where it is not the files that OpenSSL reads."""
    if _PLATFORM not in ("darwin", "win32"):
        return None
    try:
        import truststore
    except ImportError:
        return None
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _has_system_store() -> bool:
    """True if OpenSSL finds certificates where it looks for them (SSL_CERT_FILE, SSL_CERT_DIR)."""
    if _PLATFORM == "win32":
        return True
    paths: Any = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return True
    return paths.capath is not None and any(os.scandir(paths.capath))


async def start_tls(
    loop: asyncio.AbstractEventLoop,
    transport: asyncio.Transport,
    protocol: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    server_hostname: str | None,
    *,
    shutdown_timeout: float | None = None,
) -> asyncio.Transport:
    """Speak TLS as a client on an open transport, itself plain or TLS (a tunnel in a tunnel).

    `protocol` gets the new transport in `connection_made`. `server_hostname`: the name asked for
    and checked. `shutdown_timeout`: seconds that the farewell may take, None for the loop's own.
    Raises what the handshake raises (`ssl.SSLError`, `OSError`, `ValueError` for a missing name);
    then, and when cancelled, the transport is closed.
    """
    try:
        if context.check_hostname and not server_hostname:
            # OpenSSL would check no name at all.
            raise ValueError("server_hostname is missing, expected the name to check")
        upgraded = await loop.start_tls(
            transport,
            protocol,
            context,
            server_hostname=server_hostname,
            ssl_shutdown_timeout=shutdown_timeout,
        )
        if upgraded is None:
            raise ConnectionResetError("the connection was lost in the TLS handshake")
    except BaseException:
        transport.abort()
        raise
    protocol.connection_made(upgraded)
    return upgraded
