"""Resources that lead into another application: below a prefix, or for a domain.

In: an application with a router. Out: its matches, with the application put before those that
they carry. A match below a mount is final, 404 and 405 too (web_advanced, Nested applications).
"""

from collections.abc import Iterator
from typing import Any

from yarl import URL

from tercel.web.domains import Domain
from tercel.web.pattern import normal_path
from tercel.web.resources import PrefixResource
from tercel.web.routes import AbstractRoute

__all__ = ("MatchedSubAppResource", "PrefixedSubAppResource")


class PrefixedSubAppResource(PrefixResource):
    """A sub-application below a prefix, made by `Application.add_subapp`."""

    def __init__(self, prefix: str, app: Any) -> None:
        super().__init__(prefix)
        self._app = app
        _mount(app, prefix)

    def add_prefix(self, prefix: str) -> None:
        """Put `prefix` before the prefix, here and in the sub-application."""
        super().add_prefix(prefix)
        _mount(self._app, prefix)

    def url_for(self, *args: Any, **kwargs: Any) -> URL:
        """Raises RuntimeError: ask a resource of the sub-application."""
        raise RuntimeError(".url_for() is not supported by sub-application root")

    def get_info(self) -> dict[str, Any]:
        """The application and the prefix."""
        return {"app": self._app, "prefix": self._prefix}

    async def resolve(self, request: Any) -> Any:
        """(match of the sub-application or None, allowed methods)."""
        if not self._covers(normal_path(request.rel_url.raw_path)):
            return None, set()
        return await self._ask(request)

    async def _ask(self, request: Any) -> Any:
        found = await self._app.router.resolve(request)
        found.add_app(self._app)
        error = found.http_exception
        return found, set(getattr(error, "allowed_methods", ()))

    def __len__(self) -> int:
        return len(self._app.router.routes())

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._app.router.routes())

    def __repr__(self) -> str:
        return f"<PrefixedSubAppResource {self._prefix} -> {self._app!r}>"


class MatchedSubAppResource(PrefixedSubAppResource):
    """A sub-application for the hosts that a rule accepts, made by `Application.add_domain`."""

    def __init__(self, rule: Domain, app: Any) -> None:
        PrefixResource.__init__(self, "")
        self._app = app
        self._rule = rule

    @property
    def canonical(self) -> str:
        """The rule's host name."""
        return self._rule.canonical

    def add_prefix(self, prefix: str) -> None:
        """Put `prefix` before the paths of the sub-application."""
        _mount(self._app, prefix)

    def get_info(self) -> dict[str, Any]:
        """The application and the rule."""
        return {"app": self._app, "rule": self._rule}

    async def resolve(self, request: Any) -> Any:
        """(match of the sub-application or None, allowed methods)."""
        if not await self._rule.match(request):
            return None, set()
        return await self._ask(request)

    def __repr__(self) -> str:
        return f"<MatchedSubAppResource -> {self._app!r}>"


def _mount(app: Any, prefix: str) -> None:
    mount = getattr(app.router, "_mount", None)
    if mount is not None:
        mount(prefix)
    else:
        for resource in app.router.resources():
            resource.add_prefix(prefix)
