"""How handlers come to a session: the middleware, and the functions that they call.

In: a storage. Out: one session for each request that asks for one, loaded when it is first asked
for and saved once, where it changed, before the answer goes out. A request that never asks costs
neither a look at its cookies nor a word with the storage.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from tercel import web
from tercel.ext.session.state import Session
from tercel.ext.session.storage import AbstractStorage

__all__ = ("get_session", "new_session", "save_session", "session_middleware", "setup")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


class _Held:
    """What one request holds: the storage, and the session once somebody asked."""

    __slots__ = ("session", "storage")

    def __init__(self, storage: AbstractStorage) -> None:
        self.storage = storage
        self.session: Session | None = None


_HELD: Final = web.RequestKey("_HELD", _Held)


def setup(app: web.Application, storage: AbstractStorage) -> None:
    """Append `session_middleware(storage)` to the application's middlewares."""
    app.middlewares.append(session_middleware(storage))


def session_middleware(storage: AbstractStorage) -> Middleware:
    """The middleware that keeps sessions in `storage`.

    A session is also saved into an HTTP exception that a handler raises, but not where a handler
    fails. TypeError for what is no `AbstractStorage`.
    """
    if not isinstance(storage, AbstractStorage):
        raise TypeError(f"a session's storage is an AbstractStorage, got {type(storage).__name__}")

    @web.middleware
    async def keep_session(request: web.Request, handler: Handler) -> web.StreamResponse:
        outer = request.get(_HELD)
        held = request[_HELD] = _Held(storage)
        try:
            response = await handler(request)
        except web.HTTPException as answer:
            if held.session is not None:
                await _save(held, request, answer)
            raise
        finally:
            if outer is not None:
                request[_HELD] = outer
        if held.session is not None:
            await _save(held, request, response)
        return response

    return keep_session


async def get_session(request: web.Request) -> Session:
    """The session of the request, the same one on every call.

    RuntimeError where the application has no session middleware.
    """
    held = _find_held(request)
    if held.session is None:
        session = await held.storage.load_session(request)
        if not isinstance(session, Session):
            raise RuntimeError(
                f"{type(held.storage).__name__}.load_session() returned {session!r}, no Session"
            )
        if held.session is None:  # another task of the handler may have been faster
            held.session = session
    return held.session


async def new_session(request: web.Request) -> Session:
    """A new session in place of the request's: what a login asks for, against session fixation.

    What the old one held is forgotten when the new one is saved. RuntimeError as `get_session`.
    """
    held = _find_held(request)
    session = await held.storage.new_session()
    if not isinstance(session, Session):
        raise RuntimeError(
            f"{type(held.storage).__name__}.new_session() returned {session!r}, no Session"
        )
    session.changed()
    held.session = session
    return session


async def save_session(request: web.Request, response: web.StreamResponse) -> None:
    """Save the request's session now, if it changed, with its cookie in `response`.

    For answers that a handler starts itself, such as streams and WebSockets: to be called before
    `prepare`. RuntimeError where that is over.
    """
    held = _find_held(request)
    if held.session is not None:
        await _save(held, request, response)


def _find_held(request: web.Request) -> _Held:
    held: _Held | None = request.get(_HELD)
    if held is None:
        raise RuntimeError(
            "this application has no sessions: call tercel.ext.session.setup(app, storage) first"
        )
    return held


async def _save(held: _Held, request: web.Request, response: Any) -> None:
    session = held.session
    if session is None or not session.is_changed:
        return
    if not isinstance(response, web.StreamResponse):
        return  # the server will say what is wrong with it
    if response.prepared:
        raise RuntimeError(
            "the session changed after the answer had been started: "
            "call `await save_session(request, response)` before `response.prepare(request)`"
        )
    storage = held.storage
    await storage.save_session(request, response, session)
    session.saved()
    if storage.cookie_params["secure"] is None and request.secure:
        cookie = response.cookies.get(storage.cookie_name)
        if cookie is not None:
            cookie["secure"] = True
