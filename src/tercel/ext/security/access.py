"""Who is asking, and may they: the functions that handlers call.

In: a request. Out: a user id, yes or no, or HTTPUnauthorized and HTTPForbidden. What decides is
the two policies that `setup` put into the application; a sub-application without them uses its
parent's. Without any, nobody is known and nothing is permitted.
"""

from enum import Enum
from typing import Any, Final, cast

from tercel import web
from tercel.ext.security.abc import AbstractAuthorizationPolicy, AbstractIdentityPolicy
from tercel.ext.security.permissions import Permissions

__all__ = (
    "authorized_userid",
    "check_authorized",
    "check_permission",
    "current_user",
    "forget",
    "is_anonymous",
    "permits",
    "remember",
    "setup",
)

_IDENTITY_POLICY: Final = web.AppKey("_IDENTITY_POLICY", AbstractIdentityPolicy)
_AUTHORIZATION_POLICY: Final = web.AppKey("_AUTHORIZATION_POLICY", AbstractAuthorizationPolicy)
# The identity and its user, once loaded for the request.
_USER: Final = web.RequestKey[tuple[str, Any]]("_USER")


def setup(
    app: web.Application,
    identity_policy: AbstractIdentityPolicy,
    autz_policy: AbstractAuthorizationPolicy,
) -> None:
    """Put both policies into `app`. TypeError for what is no policy."""
    for policy, kind in (
        (identity_policy, AbstractIdentityPolicy),
        (autz_policy, AbstractAuthorizationPolicy),
    ):
        if not isinstance(policy, kind):
            raise TypeError(f"expected an {kind.__name__}, got {type(policy).__name__}")
    app[_IDENTITY_POLICY] = identity_policy
    app[_AUTHORIZATION_POLICY] = autz_policy


def _find_identity_policy(request: web.Request) -> AbstractIdentityPolicy | None:
    found = request.config_dict.get(_IDENTITY_POLICY)
    return cast("AbstractIdentityPolicy | None", found)


def _find_authorization_policy(request: web.Request) -> AbstractAuthorizationPolicy | None:
    found = request.config_dict.get(_AUTHORIZATION_POLICY)
    return cast("AbstractAuthorizationPolicy | None", found)


def _require_identity_policy(request: web.Request) -> AbstractIdentityPolicy:
    policy = _find_identity_policy(request)
    if policy is None:
        sentence = "Security subsystem is not initialized, call aiohttp_security.setup(...) first"
        raise web.HTTPInternalServerError(reason=sentence, text=sentence)
    return policy


async def remember(
    request: web.Request, response: web.StreamResponse, identity: str, **kwargs: Any
) -> None:
    """Remember `identity`, as its policy does it; `kwargs` are the policy's own.

    ValueError for an identity that is no text or empty, HTTPInternalServerError without `setup`.
    """
    policy = _require_identity_policy(request)
    if not isinstance(identity, str) or not identity:
        raise ValueError("Identity should be a str value.")
    await policy.remember(request, response, identity, **kwargs)
    request.pop(_USER, None)


async def forget(request: web.Request, response: web.StreamResponse) -> None:
    """Forget who was remembered. HTTPInternalServerError without `setup`."""
    policy = _require_identity_policy(request)
    await policy.forget(request, response)
    request.pop(_USER, None)


async def _identify(request: web.Request) -> str | None:
    policy = _find_identity_policy(request)
    return None if policy is None else await policy.identify(request)


async def authorized_userid(request: web.Request) -> str | None:
    """The id of the user who is remembered, None where nobody is."""
    policy = _find_authorization_policy(request)
    identity = await _identify(request)
    if policy is None or identity is None:
        return None
    if isinstance(policy, Permissions):
        return None if await _load_user(request, policy, identity) is None else identity
    return await policy.authorized_userid(identity)


async def current_user(request: web.Request) -> Any:
    """The user who is remembered, as `load_user` gave it, once a request; None for nobody.

    TypeError where the authorization policy is no `Permissions`.
    """
    policy = _find_authorization_policy(request)
    if policy is None:
        return None
    if not isinstance(policy, Permissions):
        raise TypeError(
            f"current_user() needs a Permissions as the authorization policy, got "
            f"{type(policy).__name__}"
        )
    identity = await _identify(request)
    return None if identity is None else await _load_user(request, policy, identity)


async def _load_user(request: web.Request, policy: Permissions, identity: str) -> Any:
    held = request.get(_USER)
    if held is None or held[0] != identity:
        held = (identity, await policy.load_user(identity))
        request[_USER] = held
    return held[1]


async def permits(request: web.Request, permission: str | Enum, context: Any = None) -> bool:
    """True where the user who is remembered has `permission`, in view of `context`.

    The policy is asked for anonymous users too. False where there is none.
    """
    if not isinstance(permission, str | Enum) or not permission:
        raise ValueError(f"a permission is a str or an Enum, got {permission!r}")
    policy = _find_authorization_policy(request)
    if policy is None:
        return False
    if isinstance(policy, Permissions):
        return await policy.decide(await current_user(request), permission, context)
    return bool(await policy.permits(await _identify(request), permission, context))


async def is_anonymous(request: web.Request) -> bool:
    """True where nobody is remembered, or who is remembered is no user any more."""
    return await authorized_userid(request) is None


async def check_authorized(request: web.Request) -> str:
    """The id of the user who is remembered. HTTPUnauthorized for nobody."""
    userid = await authorized_userid(request)
    if userid is None:
        raise web.HTTPUnauthorized
    return userid


async def check_permission(
    request: web.Request, permission: str | Enum, context: Any = None
) -> None:
    """HTTPUnauthorized for nobody, HTTPForbidden for a user without `permission`."""
    await check_authorized(request)
    if not await permits(request, permission, context):
        name = permission.name if isinstance(permission, Enum) else permission
        raise web.HTTPForbidden(text=f"403: User does not have {name!r} permission")
