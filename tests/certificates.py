"""Certificates for tests: one authority, made once a session, and what it has signed."""

import functools
import ssl

import trustme

__all__ = ["client_context", "make_authority", "server_context"]


@functools.cache
def make_authority() -> trustme.CA:
    """The authority that `client_context` trusts."""
    return trustme.CA()


@functools.cache
def server_context(*names: str) -> ssl.SSLContext:
    """A server's context with a certificate for `names`; localhost and 127.0.0.1 by default."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate = make_authority().issue_cert(*(names or ("localhost", "127.0.0.1", "::1")))
    certificate.configure_cert(context)
    return context


@functools.cache
def client_context() -> ssl.SSLContext:
    """A client's context that trusts the authority, and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    make_authority().configure_trust(context)
    return context
