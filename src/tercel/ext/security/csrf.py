"""Requests that another site made a browser send are refused (cross-site request forgery).

In: a request that changes something. Out: the handler's answer, or 403 with one sentence. Two
things are asked: does the browser say that it comes from here (Sec-Fetch-Site, Origin), and does
it carry the token that only a page of the client's own session could know. Needs sessions.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, TypeVar

from yarl import URL

from tercel import web
from tercel.ext.session import Session, get_session

__all__ = (
    "CSRF_FIELD",
    "CSRF_HEADER",
    "check_csrf",
    "csrf_exempt",
    "csrf_middleware",
    "csrf_processor",
    "csrf_token",
    "renew_csrf_token",
)

#: The name of the form's field.
CSRF_FIELD: Final = "csrf_token"
#: The name of the header, for scripts.
CSRF_HEADER: Final = "X-CSRF-Token"

_SESSION_KEY = "_csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_LENGTH = 32  # octets of a secret, and of its mask
_PORTS = {"http": 80, "https": 443}
_MARK = "__csrf_exempt__"
_F = TypeVar("_F")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def csrf_middleware(*, trusted_origins: Collection[str] = ()) -> Any:
    """A middleware that refuses forged requests; it stands after the session's.

    `trusted_origins` are other origins whose pages may send requests here, such as
    "https://admin.example.org"; their requests need the token too. GET, HEAD, OPTIONS and TRACE
    are not checked: they must change nothing. ValueError for what is no origin.
    """
    trusted = frozenset(_parse_trusted(origin) for origin in trusted_origins)

    @web.middleware
    async def refuse_forged(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in _SAFE and not _is_exempt(request):
            _check_origin(request, trusted)
            token = request.headers.get(CSRF_HEADER)
            if token is None and request.content_type in _FORMS:
                field = (await request.post()).get(CSRF_FIELD)
                token = field if isinstance(field, str) else None
            await check_csrf(request, token)
        return await handler(request)

    return refuse_forged


def csrf_exempt(handler: _F) -> _F:
    """Mark a handler, or a `web.View`, whose requests are not checked.

    For what needs no cookie, such as webhooks, and for handlers that read a multipart body in
    pieces: those call `check_csrf` with the token's part.
    """
    setattr(handler, _MARK, True)
    return handler


def _is_exempt(request: web.Request) -> bool:
    found = request.match_info
    return found.http_exception is not None or getattr(found.handler, _MARK, False)


async def check_csrf(request: web.Request, token: str | None) -> None:
    """HTTPForbidden where `token` is not the one of the request's session."""
    if token is None:
        raise _refuse("the form's token is missing: send it as the field csrf_token")
    session = await get_session(request)
    secret = _read_secret(session)
    if secret is None or not hmac.compare_digest(_unmask(token), secret):
        raise _refuse("the form's token is not the one of this session: load the page again")


async def csrf_token(request: web.Request) -> str:
    """The token for forms of the request's session; another text on every call, all good."""
    return _make_token(await get_session(request))


async def csrf_processor(request: web.Request) -> dict[str, Callable[[], Any]]:
    """A context processor of `tercel.ext.jinja2`: `csrf_token()` and `csrf_field()` in templates.

    `{{ csrf_field() }}` within a form is all it needs. The session is changed only if a template
    calls one of them.
    """
    session = await get_session(request)

    def token() -> str:
        return _make_token(session)

    def field() -> "_Markup":
        return _Markup(f'<input type="hidden" name="{CSRF_FIELD}" value="{_make_token(session)}">')

    return {"csrf_token": token, "csrf_field": field}


class _Markup(str):
    """HTML that templates put in as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def renew_csrf_token(session: Session) -> None:
    """Make earlier tokens of `session` worthless, as a login does."""
    session.pop(_SESSION_KEY, None)


def _read_secret(session: Session) -> bytes | None:
    try:
        secret = base64.urlsafe_b64decode(session.get(_SESSION_KEY, ""))
    except (binascii.Error, TypeError, ValueError):
        return None
    return secret if len(secret) == _LENGTH else None


def _make_token(session: Session) -> str:
    secret = _read_secret(session)
    if secret is None:
        secret = secrets.token_bytes(_LENGTH)
        session[_SESSION_KEY] = base64.urlsafe_b64encode(secret).decode()
    # A fresh mask for each: a secret that stood in every page could be guessed from the sizes of
    # compressed answers (BREACH).
    mask = secrets.token_bytes(_LENGTH)
    return base64.urlsafe_b64encode(mask + _xor(mask, secret)).decode()


def _unmask(token: str) -> bytes:
    try:
        both = base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError):
        return b""
    return _xor(both[:_LENGTH], both[_LENGTH:]) if len(both) == 2 * _LENGTH else b""


def _xor(one: bytes, two: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, two, strict=True))


def _check_origin(request: web.Request, trusted: frozenset[tuple[str, str]]) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and _parse_origin(origin) in trusted:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise _refuse(f"the request comes from another site ({origin or site})")
        return
    if origin is not None:
        # Hosts only: behind a proxy that ends TLS the scheme here is another one.
        found = _parse_origin(origin)
        if found is None or found[1] != _host_of(found[0], request.host):
            raise _refuse(f"the request comes from another site ({origin})")


def _parse_origin(text: str) -> tuple[str, str] | None:
    scheme, mark, host = text.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in _PORTS:
        return None
    found = _host_of(scheme, host)
    return None if found is None else (scheme, found)


def _host_of(scheme: str, host: str) -> str | None:
    """Host and port in one spelling; None for what is neither."""
    try:
        url = URL.build(scheme=scheme, authority=host.lower())
    except ValueError:
        return None
    return f"{url.host}:{url.port}" if url.host and "/" not in host else None


def _parse_trusted(text: str) -> tuple[str, str]:
    found = _parse_origin(text)
    if found is None:
        raise ValueError(f"a trusted origin is like 'https://example.org', got {text!r}")
    return found


def _refuse(sentence: str) -> web.HTTPForbidden:
    return web.HTTPForbidden(text=f"403: {sentence}")
