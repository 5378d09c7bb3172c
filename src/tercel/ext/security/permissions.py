"""Permissions as a table of rules: what a `permissions.py` of an application holds.

In: a way to load a user, and one function for each permission. Out: an authorization policy. A
permission without a rule is an error that is told, never a yes.
"""

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

from tercel.ext.security.abc import AbstractAuthorizationPolicy

__all__ = ("Permissions",)

Rule = Callable[[Any, Any], "bool | Awaitable[bool]"]


class Permissions(AbstractAuthorizationPolicy):
    """Rules by the permission's name.

    `load_user` is a coroutine function that takes an identity and gives a user, any object, or
    None where there is none (any more). A rule takes the user and the context, such as the post
    that is to be edited, and says yes or no; it may be a coroutine function. Nobody who is not
    logged in has any permission::

        permissions = Permissions(load_user)

        @permissions.rule("post.edit", "post.delete")
        def is_author(user, post):
            return user.is_admin or post.author_id == user.id
    """

    def __init__(self, load_user: Callable[[str], Awaitable[Any]]) -> None:
        self._load_user = load_user
        self._rules: dict[str | Enum, Rule] = {}

    def rule(self, *permissions: str | Enum) -> Callable[[Rule], Rule]:
        """A decorator that makes a function the rule of `permissions`.

        ValueError for a permission that has a rule already.
        """
        for permission in permissions:
            if permission in self._rules:
                raise ValueError(f"the permission {permission!r} has a rule already")

        def decorate(function: Rule) -> Rule:
            for permission in permissions:
                self._rules[permission] = function
            return function

        return decorate

    async def load_user(self, identity: str) -> Any:
        """The user behind `identity`, None where there is none."""
        return await self._load_user(identity)

    async def authorized_userid(self, identity: str) -> str | None:
        """`identity`, where a user stands behind it."""
        return None if await self._load_user(identity) is None else identity

    async def permits(
        self, identity: str | None, permission: str | Enum, context: Any = None
    ) -> bool:
        """What the rule says of the user behind `identity`. LookupError as `decide`."""
        user = None if identity is None else await self._load_user(identity)
        return await self.decide(user, permission, context)

    async def decide(self, user: Any, permission: str | Enum, context: Any = None) -> bool:
        """What the rule says of `user`, who may be None. LookupError where there is no rule."""
        rule = self._rules.get(permission)
        if rule is None:
            raise LookupError(f"the permission {permission!r} has no rule")
        if user is None:
            return False
        verdict = rule(user, context)
        return bool(await verdict if inspect.isawaitable(verdict) else verdict)
