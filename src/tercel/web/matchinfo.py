"""UrlMappingMatchInfo: the values found in a path, and what led to the handler.

A dict of name to decoded value, made when somebody asks for `request.match_info`
(web_reference, MatchInfo). Where nothing was found it carries the exception to answer with.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tercel.abc import AbstractMatchInfo
from tercel.web.routes import SystemRoute, make_miss

__all__ = ("UrlMappingMatchInfo",)


class UrlMappingMatchInfo(dict[str, str], AbstractMatchInfo):
    """The match of a request: values by name, `route`, `handler` and the applications."""

    _apps: tuple[Any, ...] = ()
    _current_app: Any = None
    _frozen = False
    _http_exception: Any = None
    _match: Any = None
    _route: Any = None

    def __init__(self, match_dict: dict[str, str], route: Any) -> None:
        dict.__init__(self, match_dict)
        self._route = route

    @property
    def handler(self) -> Callable[[Any], Awaitable[Any]]:
        """The web handler; it raises `http_exception` where nothing was found."""
        return self.route.handler  # type: ignore[no-any-return]

    @property
    def expect_handler(self) -> Callable[[Any], Awaitable[Any]]:
        """Answers an Expect header before the handler runs."""
        return self.route.handle_expect_header  # type: ignore[no-any-return]

    @property
    def route(self) -> Any:
        """The route that was found, or a `SystemRoute` that raises `http_exception`."""
        if self._route is None:
            found = None if self._match is None else self._match.endpoint.route
            self._route = SystemRoute(self.http_exception) if found is None else found
        return self._route

    @property
    def http_exception(self) -> Any:
        """`HTTPNotFound` or `HTTPMethodNotAllowed` where nothing was found, else None."""
        match = self._match
        if self._http_exception is None and match is not None and match.allowed is not None:
            self._http_exception = make_miss(self._match)
        return self._http_exception

    def get_info(self) -> dict[str, Any]:
        """A description for people."""
        error = self.http_exception
        if error is not None:
            return {"http_exception": error}
        return self.route.get_info()  # type: ignore[no-any-return]

    @property
    def apps(self) -> tuple[Any, ...]:
        """The applications that led here, outermost first."""
        apps = self._apps
        if not apps and self._match is not None:
            self._apps = apps = self._match.endpoint.apps
        return apps

    def add_app(self, app: Any) -> None:
        """Put `app` before the applications. Raises RuntimeError once frozen."""
        if self._frozen:
            raise RuntimeError("Cannot change apps stack after .freeze() call")
        if self.current_app is None:
            self._current_app = app
        self._apps = (app, *self.apps)

    @property
    def current_app(self) -> Any:
        """The application whose middlewares, or handler, run now."""
        app = self._current_app
        if app is None:
            apps = self.apps
            if apps:
                self._current_app = app = apps[-1]
        return app

    @current_app.setter
    def current_app(self, app: Any) -> None:
        if app not in self.apps:
            raise RuntimeError(f"Expected one of the following apps {self.apps!r}, got {app!r}")
        self._current_app = app

    def freeze(self) -> None:
        """Allow no more `add_app()`."""
        self._frozen = True

    def __repr__(self) -> str:
        error = self.http_exception
        if error is not None:
            return f"<MatchInfoError {error.status}: {error.reason}>"
        return f"<MatchInfo {super().__repr__()}: {self.route!r}>"
