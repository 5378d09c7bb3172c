"""Files seen lately: facts, prepared header lines and small contents, checked by a stat each time.

In: paths. Out: a `StoredFile`, or None where somebody must look at the disk again. A change of what
a path leads to (another file, size, time, owner, permission) is noticed by the next request; a
sibling in a content coding that appears, within a second. Bounded in entries and in octets; holds
no descriptor open. What changed a moment ago is not kept: its next change might look the same.
"""

import os
import stat
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..wire.coding import choose_coding
from ..wire.h1.encode import encode_fields
from .fileplan import SUFFIXES, FileFacts, describe_file, guess_content_type, list_headers

__all__ = (
    "SMALL",
    "FileCache",
    "StoredFile",
    "choose_sibling",
    "is_same",
    "is_settled",
    "open_plain",
    "shared_files",
    "store_file",
)

#: Octets up to which contents are kept; above it the kernel's way costs less than a copy.
SMALL = 64 * 1024
#: Entries of a cache: far more than a page needs, and few megabytes.
MAX_FILES = 1024
#: Octets of contents in a cache.
MAX_OCTETS = 8 * 1024 * 1024
#: Seconds for which it is taken as given that no other sibling has appeared.
SIBLING_TIME = 1.0

# A file system stamps changes with a clock that ticks; within one tick two changes look alike.
_FINE_TICK = 50_000_000  # nanoseconds, where stamps have fractions of a second
_COARSE_TICK = 2_000_000_000  # where they have none

# Opening a pipe must not wait for somebody to write into it, opening a terminal not take it.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_monotonic = time.monotonic
_stat = os.stat
_lstat = os.lstat
_IS_WINDOWS = os.name == "nt"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class StoredFile:
    """What is known of one file.

    `path` leads to it, `stat` is what it was when `facts` were made, `data` its contents where they
    are small. `siblings` holds files of the same contents by coding, `looked_at` is the monotonic
    time at which they were looked for. A sibling has an `original`, and `accepts_links` is False.
    """

    __slots__ = (
        "_blocks",
        "_changed",
        "_first",
        "accepts_links",
        "data",
        "facts",
        "looked_at",
        "offered",
        "original",
        "path",
        "siblings",
        "stat",
        "was_used",
    )

    def __init__(
        self, path: str, found: os.stat_result, facts: FileFacts, data: bytes | None
    ) -> None:
        self.path = path
        self.stat = found
        self.facts = facts
        self.data = data
        self.siblings: dict[str, StoredFile] = {}
        self.offered: tuple[str, ...] = ()
        self.looked_at = 0.0
        self.original: StoredFile | None = None
        self.accepts_links = True
        self.was_used = False
        self._blocks: dict[str | None, bytes] = {}
        self._first: tuple[int, ...] = found[:7]
        self._changed = found.st_ctime_ns

    def block(self, cache_control: str | None) -> bytes:
        """The header lines of an answer with the whole file, encoded."""
        found = self._blocks.get(cache_control)
        if found is None:
            pairs = list_headers(self.facts)
            if cache_control is not None:
                pairs += (("Cache-Control", cache_control),)
            found = encode_fields(pairs)
            if len(self._blocks) < 4:
                self._blocks[cache_control] = found
        return found

    def is_current(self) -> bool:
        """True if the path still leads to this very file, unchanged."""
        try:
            found = _stat(self.path) if self.accepts_links else _lstat(self.path)
        except (OSError, ValueError):
            return False
        # Whatever changes in a file changes its st_ctime, except on Windows.
        if found.st_ctime_ns != self._changed or found[:7] != self._first:
            return False
        return not _IS_WINDOWS or found.st_mtime_ns == self.stat.st_mtime_ns

    def size_of_all(self) -> int:
        """Octets held, those of siblings included."""
        size = len(self.data) if self.data is not None else 0
        for sibling in self.siblings.values():
            size += sibling.size_of_all()
        return size

    def is_settled(self, now_ns: int) -> bool:
        """True if a change of it, or of a sibling, is sure to be seen in a stat result."""
        for sibling in self.siblings.values():
            if not is_settled(sibling.stat, now_ns):
                return False
        return is_settled(self.stat, now_ns)


def is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """True if nothing tells two stat results apart but the time of access."""
    return (
        one.st_mtime_ns == other.st_mtime_ns
        and one.st_ctime_ns == other.st_ctime_ns
        and one[:7] == other[:7]
    )


def is_settled(found: os.stat_result, now_ns: int) -> bool:
    """True if a change from now on is sure to be seen in the stat result."""
    changed = max(found.st_ctime_ns, found.st_mtime_ns) if _IS_WINDOWS else found.st_ctime_ns
    tick = _FINE_TICK if changed % 1_000_000_000 else _COARSE_TICK
    return now_ns - changed > tick


class FileCache:
    """Stored files by a key of the caller's. Any thread may call it.

    `clock` gives nanoseconds since 1970.
    """

    __slots__ = ("_clock", "_files", "_lock", "_most_files", "_most_octets", "_octets")

    def __init__(
        self,
        most_files: int = MAX_FILES,
        most_octets: int = MAX_OCTETS,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._files: dict[str, StoredFile] = {}
        self._lock = threading.Lock()
        self._octets = 0
        self._most_files = most_files
        self._most_octets = most_octets
        self._clock = clock

    def __len__(self) -> int:
        return len(self._files)

    @property
    def octets(self) -> int:
        """Octets of contents that are held."""
        return self._octets

    def find(self, key: str, accepted: str | None) -> StoredFile | None:
        """The file, or its sibling that an Accept-Encoding value likes best; one stat of each.

        None where it is not known or not current any more. `accepted` is None where no sibling is
        wanted.
        """
        stored = self._files.get(key)
        if stored is None:
            return None
        if not stored.is_current():
            self.forget(key)
            return None
        stored.was_used = True
        if accepted is None:
            return stored
        if _monotonic() - stored.looked_at > SIBLING_TIME:
            return None
        chosen = choose_sibling(stored, accepted)
        if chosen is not stored and not chosen.is_current():
            self.forget(key)
            return None
        return chosen

    def keep(self, key: str, stored: StoredFile) -> None:
        """Keep a file, in place of what the key had; nothing that changed a moment ago."""
        now = self._clock()
        if not stored.is_settled(now):
            return
        with self._lock:
            self._drop(key)
            self._files[key] = stored
            self._octets += stored.size_of_all()
            self._make_room()

    def forget(self, key: str) -> None:
        """Keep nothing for the key."""
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._files.clear()
            self._octets = 0

    def _drop(self, key: str) -> None:
        stored = self._files.pop(key, None)
        if stored is not None:
            self._octets -= stored.size_of_all()

    def _make_room(self) -> None:
        """Drop the oldest; one that was used since it was put in has a second turn."""
        while len(self._files) > self._most_files or self._octets > self._most_octets:
            key = next(iter(self._files))
            stored = self._files[key]
            if stored.was_used:
                stored.was_used = False
                self._files[key] = self._files.pop(key)
            else:
                self._drop(key)


_choose = lru_cache(512)(choose_coding)


def choose_sibling(stored: StoredFile, accepted: str) -> StoredFile:
    """The sibling that an Accept-Encoding value likes best, or the file itself."""
    if not stored.offered:
        return stored
    if len(accepted) > 200:
        return stored.siblings.get(choose_coding(accepted, stored.offered), stored)
    return stored.siblings.get(_choose(accepted, stored.offered), stored)


def open_plain(path: str, *, follow: bool = True) -> tuple[int, os.stat_result]:
    """A descriptor and the stat result of a regular file.

    Raises OSError; PermissionError for what is there and is no regular file, or a symbolic link
    where `follow` is False.
    """
    if not follow and not _NO_LINK and os.path.islink(path):
        raise PermissionError(f"{path} is a symbolic link")
    descriptor = os.open(path, _FLAGS | (0 if follow else _NO_LINK))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise PermissionError(f"{path} is no regular file")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, found


def store_file(
    path: str,
    siblings_of: str | None = None,
    check: Callable[[os.stat_result], None] | None = None,
) -> StoredFile:
    """Look at the file at `path`, and at its siblings, and read what is small. Blocks.

    Siblings lie beside `siblings_of`, which is `path` by default. `check` gets the stat result of
    the file once it is open, and raises where it must not be sent. Raises OSError or ValueError
    where there is no such file, PermissionError where it may not be read.
    """
    looked_at = _monotonic()
    stored = _read_file(path, guess_content_type(path), None, check)
    for coding, suffix in SUFFIXES.items():
        try:
            sibling = _read_file(
                (siblings_of or path) + suffix, stored.facts.content_type, coding, None
            )
        except OSError:
            continue
        sibling.accepts_links = False
        sibling.original = stored
        stored.siblings[coding] = sibling
    if stored.siblings:
        stored.offered = tuple(stored.siblings)
        stored.facts = stored.facts._replace(varies=True)
    stored.looked_at = looked_at
    return stored


def _read_file(
    path: str,
    content_type: str,
    coding: str | None,
    check: Callable[[os.stat_result], None] | None,
) -> StoredFile:
    """A file's facts and, where it is small and stands still, its contents."""
    descriptor, found = open_plain(path, follow=coding is None)
    try:
        if check is not None:
            check(found)
        data: bytes | None = None
        start = b""
        is_text = coding is None and content_type.startswith("text/")
        if found.st_size <= SMALL or is_text:
            start = _read(descriptor, min(found.st_size, SMALL))
            if found.st_size <= SMALL and len(start) == found.st_size:
                data = start
                if not is_same(os.fstat(descriptor), found):
                    data = None
    finally:
        os.close(descriptor)
    if is_text and _is_utf8(start, data is not None):
        content_type += "; charset=utf-8"
    facts = describe_file(found, content_type, time.time(), coding, coding is not None)
    return StoredFile(path, found, facts, data)


def _read(descriptor: int, count: int) -> bytes:
    """`count` octets from the start, or fewer where the file ends."""
    pieces = []
    while count > 0:
        piece = os.read(descriptor, count)
        if not piece:
            break
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _is_utf8(start: bytes, is_whole: bool) -> bool:
    """True if a text begins as UTF-8 does; a charset is named only where it is the right one."""
    import codecs

    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, is_whole)
    except UnicodeDecodeError:
        return False
    return True


#: What `FileResponse` uses where no static resource made it.
shared_files: Any = FileCache()
