"""The two contracts of `tercel.ext.security`: who somebody is, and what they may do.

In: requests and identities. Out: identities, user ids, and yes or no. Documented by
aiohttp_security (Abstract policies). Nothing stands here but the contracts.
"""

import abc
from enum import Enum
from typing import Any

from tercel import web

__all__ = ("AbstractAuthorizationPolicy", "AbstractIdentityPolicy")


class AbstractIdentityPolicy(abc.ABC):
    """Remembers the identity of a client between its requests."""

    @abc.abstractmethod
    async def identify(self, request: web.Request) -> str | None:
        """The identity that the request claims, None where it claims none."""

    @abc.abstractmethod
    async def remember(
        self, request: web.Request, response: web.StreamResponse, identity: str, **kwargs: Any
    ) -> None:
        """Remember `identity`; `kwargs` are the policy's own."""

    @abc.abstractmethod
    async def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Forget what was remembered."""


class AbstractAuthorizationPolicy(abc.ABC):
    """Knows the users behind identities, and their permissions."""

    @abc.abstractmethod
    async def authorized_userid(self, identity: str) -> str | None:
        """The id of the user behind `identity`, None where there is none."""

    @abc.abstractmethod
    async def permits(
        self, identity: str | None, permission: str | Enum, context: Any = None
    ) -> bool:
        """True where `identity`, None for nobody, has `permission`, in view of `context`."""
