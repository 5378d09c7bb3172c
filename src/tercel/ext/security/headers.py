"""Headers that tell browsers to be careful: a content security policy with nonces, and its kin.

In: what a site's pages may load. Out: fields in every answer of the application, also in errors
and streams; one that a handler has set itself is left alone. All is put together at the start.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, cast

from tercel import web

__all__ = ("DEFAULT_POLICY", "NONCE", "csp_nonce", "nonce_processor", "setup_headers")

#: Stands in a policy where the nonce of the answer goes: `'nonce-...'`, or nothing without one.
NONCE: Final = "'nonce'"

Policy = Mapping[str, Collection[str] | str]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Everything from the site itself, pictures also inline, scripts and styles of pages by nonce.
DEFAULT_POLICY: Final[Policy] = {
    "default-src": ["'self'"],
    "script-src": ["'self'", NONCE],
    "style-src": ["'self'", NONCE],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}


class _Held:
    """What is known of one answer's request; middlewares' clones of the request share it."""

    __slots__ = ("is_secure", "nonce")

    def __init__(self) -> None:
        self.nonce: str | None = None
        self.is_secure = False


_HELD: Final = web.RequestKey("_HELD", _Held)
_DIRECTIVE = re.compile(r"[a-z-]+")
_SOURCE = re.compile(r"[\x21-\x2b\x2d-\x3a\x3c-\x7e]+")  # no space, comma or semicolon
_YEAR = 365 * 24 * 3600  # seconds


def csp_nonce(request: web.Request) -> str:
    """The nonce of the answer to `request`, for `<script nonce="...">`; made when first asked."""
    held = _hold(request)
    if held.nonce is None:
        held.nonce = secrets.token_urlsafe(18)
    return held.nonce


def _hold(request: web.Request) -> _Held:
    held: _Held | None = request.get(_HELD)
    if held is None:
        held = request[_HELD] = _Held()
    return held


async def nonce_processor(request: web.Request) -> dict[str, Callable[[], str]]:
    """A context processor of `tercel.ext.jinja2`: `csp_nonce()` in templates."""
    return {"csp_nonce": lambda: csp_nonce(request)}


def setup_headers(
    app: web.Application,
    *,
    content_security_policy: Policy | None = DEFAULT_POLICY,
    report_only: bool = False,
    hsts: int | None = _YEAR,
    hsts_subdomains: bool = False,
    frame_options: str | None = "DENY",
    referrer_policy: str | None = "strict-origin-when-cross-origin",
    opener_policy: str | None = "same-origin",
    permissions_policy: str | None = None,
    nosniff: bool = True,
) -> None:
    """Put security headers into every answer of `app`.

    `content_security_policy` maps directives to their sources, with `NONCE` among them where
    `csp_nonce` is used; `report_only` only has violations reported. `hsts` is for how many seconds
    browsers shall ask by TLS only; it is sent over TLS alone, which a middleware that was added
    before may know of (`tercel.ext.forwarded`). None leaves a header out.
    ValueError for a policy that could not be sent.
    """
    fixed: list[tuple[str, str]] = []
    if nosniff:
        fixed.append(("X-Content-Type-Options", "nosniff"))
    for name, value in (
        ("X-Frame-Options", frame_options),
        ("Referrer-Policy", referrer_policy),
        ("Cross-Origin-Opener-Policy", opener_policy),
        ("Permissions-Policy", permissions_policy),
    ):
        if value is not None:
            fixed.append((name, value))
    strict = None
    if hsts is not None:
        strict = f"max-age={int(hsts)}" + ("; includeSubDomains" if hsts_subdomains else "")
    policy = None if content_security_policy is None else _compile(content_security_policy)
    policy_name = "Content-Security-Policy" + ("-Report-Only" if report_only else "")

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        held = _hold(request)
        headers = response.headers
        for name, value in fixed:
            headers.setdefault(name, value)
        if strict is not None and (held.is_secure or request.secure):
            headers.setdefault("Strict-Transport-Security", strict)
        if policy is not None and policy_name not in headers:
            headers[policy_name] = policy(held.nonce)

    # The signal is for streams, and for errors of the server. It gets the request as it came,
    # which middlewares between may have replaced by a clone that knows the nonce, or of TLS.
    app.on_response_prepare.append(cast("Any", add_headers))

    @web.middleware
    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        _hold(request)
        try:
            response = await handler(request)
        except web.HTTPException as answer:
            await add_headers(request, answer)
            raise
        if isinstance(response, web.StreamResponse) and not response.prepared:
            await add_headers(request, response)
        return response

    @web.middleware
    async def note_tls(request: web.Request, handler: Handler) -> web.StreamResponse:
        _hold(request).is_secure = request.secure
        return await handler(request)

    app.middlewares.insert(0, hold)
    app.middlewares.append(note_tls)


def _compile(policy: Policy) -> Callable[[str | None], str]:
    """A function from a nonce, or None, to the policy's text."""
    with_nonce = []
    without = []
    for directive, given in policy.items():
        sources = [given] if isinstance(given, str) else list(given)
        if not _DIRECTIVE.fullmatch(directive):
            raise ValueError(f"a directive of a policy is like 'script-src', got {directive!r}")
        for source in sources:
            if not _SOURCE.fullmatch(source):
                raise ValueError(f"a source of {directive} has no space , or ; got {source!r}")
        plain = [source for source in sources if source != NONCE]
        if len(plain) < len(sources) and not plain:
            without.append(f"{directive} 'none'")
        else:
            without.append(" ".join([directive, *plain]))
        with_nonce.append(" ".join([directive, *sources]))
    text = "; ".join(without)
    pieces = "; ".join(with_nonce).split(NONCE)

    def render(nonce: str | None) -> str:
        return text if nonce is None else f"'nonce-{nonce}'".join(pieces)

    return render
