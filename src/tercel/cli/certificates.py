"""The TLS context of `tercel run`.

In: paths of PEM files. Out: a context for a server; Mistake, naming the file, for what is no
certificate, no key, or a key of another certificate.
"""

import ssl

from tercel.cli.mistakes import Mistake, sentence_of
from tercel.cli.settings import Settings

__all__ = ("make_context",)


def make_context(settings: Settings) -> ssl.SSLContext | None:
    """The context of the settings; None where they name no certificate."""
    if settings.cert is None:
        if settings.key is not None or settings.client_ca is not None:
            raise Mistake("--key and --client-ca need --cert, the certificate of the server")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    for path in filter(None, (settings.cert, settings.key, settings.client_ca)):
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise Mistake(f"{path} can't be read: {sentence_of(error)}") from error
    try:
        # An encrypted key would ask the terminal for its password, and so would every worker.
        context.load_cert_chain(settings.cert, settings.key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        files = settings.cert if settings.key is None else f"{settings.cert} with {settings.key}"
        raise Mistake(f"{files} can't be used as certificate and key: {_say(error)}") from error
    if settings.client_ca is not None:
        try:
            context.load_verify_locations(settings.client_ca)
        except (ssl.SSLError, OSError) as error:
            raise Mistake(f"{settings.client_ca} holds no certificates: {_say(error)}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _say(error: BaseException) -> str:
    """OpenSSL's reasons, as far as they say anything to a person."""
    reason = getattr(error, "reason", None) or ""
    if "MISMATCH" in reason:
        return "the key belongs to another certificate"
    if "BAD_DECRYPT" in reason or "PASSWORD" in reason:
        return "the key is encrypted, and nobody is there to give its password"
    return "expected text in PEM, the server's certificate first"
