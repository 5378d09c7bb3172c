"""The identity policies that come with the library: in the session, in a cookie, in a JWT.

In: requests and responses. Out: identities. A client's claim is never trusted to be well-formed;
what can't be read is no identity. Documented by aiohttp_security, which leaves the details open.
"""

from typing import Any

from tercel import web
from tercel.ext.security.abc import AbstractIdentityPolicy
from tercel.ext.security.csrf import renew_csrf_token
from tercel.ext.session import get_session

__all__ = ("CookiesIdentityPolicy", "JWTIdentityPolicy", "SessionIdentityPolicy")

COOKIE = "AIOHTTP_SECURITY"
MONTH = 30 * 24 * 3600  # seconds


class SessionIdentityPolicy(AbstractIdentityPolicy):
    """Keeps the identity in the session (`tercel.ext.session`), under `session_key`.

    Remembering gives the session another identity and its forms other tokens, so that nobody who
    knew the session from before gets in with it; what another user's session held is dropped.
    Forgetting drops all of the session. `remember` takes `max_age=`, the session's, in seconds.
    """

    def __init__(self, session_key: str = COOKIE) -> None:
        self._session_key = session_key

    async def identify(self, request: web.Request) -> str | None:
        """The identity in the session."""
        found = (await get_session(request)).get(self._session_key)
        return found if isinstance(found, str) else None

    async def remember(
        self,
        request: web.Request,
        response: web.StreamResponse,
        identity: str,
        **kwargs: Any,
    ) -> None:
        """Put `identity` into the session."""
        max_age = _take_max_age(kwargs, None)
        session = await get_session(request)
        if session.get(self._session_key, identity) != identity:
            session.invalidate()
        session.renew()
        renew_csrf_token(session)
        session[self._session_key] = identity
        if max_age is not None:
            session.max_age = max_age

    async def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """End the session."""
        session = await get_session(request)
        if not session.empty:
            session.invalidate()


class CookiesIdentityPolicy(AbstractIdentityPolicy):
    """Keeps the identity in a cookie of its own.

    With `secret_key`, as `EncryptedCookieStorage` takes it, the cookie is encrypted and its
    `max_age` enforced here. Without one anybody can write any identity into it: then identities
    must be random texts that can't be guessed (aiohttp_security's documentation says so too).
    `remember` takes `max_age=` in seconds. The cookie is HttpOnly, SameSite=Lax, and Secure where
    the request came over TLS.
    """

    def __init__(
        self,
        secret_key: Any = None,
        *,
        cookie_name: str = COOKIE,
        max_age: int = MONTH,
    ) -> None:
        self._cookie_name = cookie_name
        self._max_age = max_age
        self._storage: Any = None
        if secret_key is not None:
            from tercel.ext.session.cookie_storage import EncryptedCookieStorage

            self._storage = EncryptedCookieStorage(
                secret_key, cookie_name=cookie_name, max_age=max_age
            )

    async def identify(self, request: web.Request) -> str | None:
        """The identity in the cookie."""
        if self._storage is None:
            return request.cookies.get(self._cookie_name) or None
        found = (await self._storage.load_session(request)).get("identity")
        return found if isinstance(found, str) else None

    async def remember(
        self,
        request: web.Request,
        response: web.StreamResponse,
        identity: str,
        **kwargs: Any,
    ) -> None:
        """Set the cookie."""
        max_age = _take_max_age(kwargs, self._max_age)
        if self._storage is None:
            response.set_cookie(
                self._cookie_name, identity, max_age=max_age, httponly=True, samesite="Lax"
            )
        else:
            session = await self._storage.new_session()
            session["identity"] = identity
            if max_age != self._max_age:
                session.max_age = max_age
            await self._storage.save_session(request, response, session)
        if request.secure:
            response.cookies[self._cookie_name]["secure"] = True

    async def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Delete the cookie."""
        response.del_cookie(self._cookie_name, httponly=True, samesite="Lax")


class JWTIdentityPolicy(AbstractIdentityPolicy):
    """Takes the identity from a JSON Web Token in `Authorization: Bearer ...` (RFC 7519, 6750).

    `secret` verifies it by `algorithm`, no other one is accepted; `key` names the claim that is
    the identity. Tokens are made elsewhere: `remember` and `forget` do nothing. Needs PyJWT.
    """

    def __init__(self, secret: str, algorithm: str = "HS256", key: str = "login") -> None:
        import jwt

        self._jwt = jwt
        self._secret = secret
        self._algorithm = algorithm
        self._key = key

    async def identify(self, request: web.Request) -> str | None:
        """The claim of a valid token, None for any other."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = self._jwt.decode(token.strip(), self._secret, algorithms=[self._algorithm])
        except self._jwt.PyJWTError:
            return None
        found = claims.get(self._key)
        return found if isinstance(found, str) else None

    async def remember(
        self,
        request: web.Request,
        response: web.StreamResponse,
        identity: str,
        **kwargs: Any,
    ) -> None:
        """Nothing: the client keeps its token."""

    async def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Nothing: the client has its token."""


def _take_max_age(kwargs: dict[str, Any], default: int | None) -> int | None:
    unknown = set(kwargs) - {"max_age"}
    if unknown:
        raise TypeError(f"remember() takes max_age, got {', '.join(sorted(unknown))}")
    found = kwargs.get("max_age")
    return default if found is None else int(found)
