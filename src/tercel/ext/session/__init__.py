"""Sessions for web applications, with the interface that aiohttp_session documents.

`setup(app, storage)` once; `await get_session(request)` in a handler. Storages stand in
`cookie_storage`, `redis_storage` and `sql_storage`, which import what they need; `conformance`
checks a storage of your own. See docs/sessions.md.
"""

from tercel.ext.session.middleware import (
    get_session,
    new_session,
    save_session,
    session_middleware,
    setup,
)
from tercel.ext.session.server import ServerStorage
from tercel.ext.session.state import Session
from tercel.ext.session.storage import AbstractStorage, SessionTooLarge, SimpleCookieStorage

__all__ = (
    "AbstractStorage",
    "ServerStorage",
    "Session",
    "SessionTooLarge",
    "SimpleCookieStorage",
    "get_session",
    "new_session",
    "save_session",
    "session_middleware",
    "setup",
)
