"""The session of one client: a mapping that knows whether it is new and whether it changed.

In: what a storage read, or nothing. Out: the mapping that handlers use. Expiry is judged here, so
that no storage can forget it: data older than their `max_age` are dropped. No input, no output.
"""

import math
import time
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TypeGuard

__all__ = ("Session",)


class Session(MutableMapping[str, Any]):
    """What a client's requests share (aiohttp_session's documentation, Session).

    Handlers get one from `get_session` or `new_session`; storages make it. `identity` is the key
    that the storage knows it by, None for none yet. `data` is `{"created": int, "session": {...},
    "max_age": int}`, as `payload` gave it, or None; what is no such mapping counts as None.
    `max_age` is the storage's, in seconds, None for no end. `now` is a UNIX time. A session that
    is past its end is a new one without identity.
    """

    __slots__ = (
        "__weakref__",
        "_changed",
        "_created",
        "_identity",
        "_mapping",
        "_max_age",
        "_new",
        "_own_max_age",
        "_renewed",
    )

    def __init__(
        self,
        identity: Any | None,
        *,
        data: Mapping[str, Any] | None,
        new: bool,
        max_age: int | None = None,
        now: float | None = None,
    ) -> None:
        now = time.time() if now is None else now
        self._identity = identity
        self._new = new
        self._changed = False
        self._renewed = False
        self._max_age = max_age
        self._own_max_age = False
        self._created = int(now)
        self._mapping: dict[str, Any] = {}
        if data is not None and not self._take(data, now):
            self._identity = None
            self._new = True

    def _take(self, data: Any, now: float) -> bool:
        """True once `data` are taken over; False for what is malformed or past its end."""
        if not isinstance(data, Mapping):
            return False
        created = data.get("created")
        values = data.get("session")
        if not _is_time(created) or not isinstance(values, dict):
            return False
        max_age = self._max_age
        own = "max_age" in data
        if own:
            max_age = data["max_age"]
            if max_age is not None and not _is_time(max_age):
                return False
        if max_age is not None and now >= created + max_age:
            return False
        self._max_age = max_age
        self._own_max_age = own
        self._created = int(created)
        self._mapping.update(values)
        return True

    @property
    def new(self) -> bool:
        """True where nothing was stored under it before this request."""
        return self._new

    @property
    def identity(self) -> Any | None:
        """The key that the storage knows it by, None for none yet; `set_new_identity` sets it."""
        return self._identity

    @property
    def created(self) -> int:
        """When it was made, in seconds of UNIX time."""
        return self._created

    @property
    def empty(self) -> bool:
        """True where nothing is in it."""
        return not self._mapping

    @property
    def max_age(self) -> int | None:
        """Seconds from `created` to its end, None for as long as the browser stays open.

        The storage's, unless it was set here: then it is kept with the data.
        """
        return self._max_age

    @max_age.setter
    def max_age(self, value: int | None) -> None:
        self._max_age = None if value is None else int(value)
        self._own_max_age = True
        self._changed = True

    @property
    def is_changed(self) -> bool:
        """True where it is to be stored at the end of the request."""
        return self._changed

    @property
    def is_renewed(self) -> bool:
        """True where it is to be stored under another identity than the one it came with."""
        return self._renewed

    def changed(self) -> None:
        """Say that a mutable value in it was changed, which it can't see by itself."""
        self._changed = True

    def saved(self) -> None:
        """For storages' callers: say that it is stored as it is now."""
        self._changed = False

    def invalidate(self) -> None:
        """Drop everything in it; the client's cookie goes too unless something is put in again.

        What is put in again is stored under another identity.
        """
        self._mapping = {}
        self._created = int(time.time())
        self._changed = True
        self._renewed = True

    def renew(self) -> None:
        """Keep what is in it, begin its time anew, and take another identity: what a login does,
        so that nobody who knew the old one gets in. The storage forgets the old one.
        """
        self._identity = None
        self._created = int(time.time())
        self._renewed = True
        self._changed = True

    def set_new_identity(self, identity: Any) -> None:
        """Choose the identity of a new session. RuntimeError for one that is not new."""
        if not self._new:
            raise RuntimeError("only a new session's identity can be set; call renew() instead")
        self._identity = identity
        self._changed = True

    def payload(self) -> dict[str, Any]:
        """What a storage keeps, and gives to the constructor as `data` later on."""
        data: dict[str, Any] = {"created": self._created, "session": self._mapping}
        if self._own_max_age:
            data["max_age"] = self._max_age
        return data

    def remaining(self, now: float) -> int | None:
        """Seconds from `now` to its end, at least 0; None where it has none."""
        if self._max_age is None:
            return None
        return max(0, int(self._created + self._max_age - now))

    def __getitem__(self, key: str) -> Any:
        return self._mapping[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._mapping[key] = value
        self._changed = True

    def __delitem__(self, key: str) -> None:
        del self._mapping[key]
        self._changed = True

    def __len__(self) -> int:
        return len(self._mapping)

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping)

    def __contains__(self, key: object) -> bool:
        return key in self._mapping

    def __repr__(self) -> str:
        # Keys only: a log is no place for what is in a session.
        return (
            f"<Session [new:{self._new}, changed:{self._changed}, created:{self._created}] "
            f"{list(self._mapping)}>"
        )


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
