"""The files below a directory, by names that came from URLs.

In: a name, decoded. Out: a `FileResponse`, an index page, or 403 and 404. A name never leads out of
the directory: ".." is refused before the disk is asked, links are followed to their end and must
end inside, unless `follow_symlinks` is on. A file seen before costs one stat; nothing here looks at
more of a directory than the name asked for, but for the index page.
"""

import asyncio
import os
import stat
import time
from typing import Any

from tercel.hdrs import ACCEPT_ENCODING
from tercel.web.errors import HTTPForbidden, HTTPNotFound
from tercel.web.file import FileResponse
from tercel.web.filecache import (
    FileCache,
    StoredFile,
    choose_sibling,
    is_settled,
    open_plain,
    store_file,
)
from tercel.web.listing import list_policies, make_listing
from tercel.web.response import Response

__all__ = ("Folder", "names_a_way_out")

#: Hashes for `append_version` that are kept.
_MAX_VERSIONS = 4096

_DEVICES = frozenset(
    ["aux", "con", "conin$", "conout$", "nul", "prn"]
    + [f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³"]
)


def names_a_way_out(name: str, windows: bool = os.name == "nt") -> bool:
    r"""True for a file name that must not reach the disk.

    That is: one with "..", an absolute one, one with a NUL; for Windows also one with a drive, a
    stream or a UNC share, with a backslash, the name of a device, or a final dot or space.
    """
    if "\0" in name or name.startswith("/"):
        return True
    segments = name.split("/")
    if ".." in segments:
        return True
    if not windows:
        return False
    return any(
        "\\" in segment
        or ":" in segment
        or segment.rstrip(". ") != segment
        or segment.partition(".")[0].rstrip().lower() in _DEVICES
        for segment in segments
    )


class Folder:
    """A directory that is served.

    `root` is its path, absolute and free of links; `prefix` that of its URLs, for the index page.
    The rest is as for `StaticResource`.
    """

    def __init__(
        self,
        root: str,
        prefix: str,
        *,
        chunk_size: int,
        show_index: bool,
        follow_symlinks: bool,
        cache_control: str | None,
    ) -> None:
        self.prefix = prefix
        self.chunk_size = chunk_size
        self.cache_control = cache_control
        self.files = FileCache()
        self._root = root
        self._show_index = show_index
        self._follow_symlinks = follow_symlinks
        self._versions: dict[str, tuple[Any, str]] = {}

    def find_version(self, name: str) -> str | None:
        """The hash of the file's contents, made anew where its stat result has changed."""
        try:
            path = self._locate(name)[1]
            descriptor, found = open_plain(path, follow=self._follow_symlinks)
        except (OSError, ValueError):
            return None
        with open(descriptor, "rb") as file:
            mark = (found[:7], found.st_mtime_ns, found.st_ctime_ns)
            known = self._versions.get(name)
            if known is not None and known[0] == mark:
                return known[1]
            import base64
            import hashlib

            digest = hashlib.file_digest(file, "sha256").digest()
        version = base64.urlsafe_b64encode(digest).decode("ascii")
        if is_settled(found, time.time_ns()):
            if len(self._versions) >= _MAX_VERSIONS:
                del self._versions[next(iter(self._versions))]
            self._versions[name] = (mark, version)
        return version

    def _locate(self, name: str) -> "tuple[str, str]":
        """The path that a name leads to, and where links lead that path.

        Raises FileNotFoundError for a name that leads out of the directory, whatever is there.
        """
        if names_a_way_out(name):
            raise FileNotFoundError(name)
        path = os.path.join(self._root, *[part for part in name.split("/") if part])
        if self._follow_symlinks:
            return path, path
        # Not a strict one: that would tell what exists outside from what doesn't.
        real = os.path.realpath(path)
        if not _is_below(real, self._root):
            raise FileNotFoundError(name)
        return path, real

    def load(self, name: str) -> StoredFile:
        """Look at the file of that name, and keep what was found. Raises OSError, ValueError."""
        path, real = self._locate(name)

        def check(opened: os.stat_result) -> None:
            # What was opened must be what was found to lie inside: links may change meanwhile.
            inside = os.stat(real, follow_symlinks=self._follow_symlinks)
            if (inside.st_dev, inside.st_ino) != (opened.st_dev, opened.st_ino):
                raise FileNotFoundError(name)

        if not stat.S_ISREG(os.stat(path).st_mode) or name.endswith("/"):
            raise FileNotFoundError(name)
        stored = store_file(path, real, check)
        self.files.keep(name, stored)
        return stored

    def _look_up(self, name: str) -> StoredFile | str:
        """The file of that name, or the page that lists the directory of that name. Blocks."""
        try:
            path, real = self._locate(name)
            if stat.S_ISDIR(os.stat(path).st_mode):
                if not self._show_index:
                    raise HTTPForbidden
                return self._make_index(real, name)
            return self.load(name)
        except PermissionError:
            raise HTTPForbidden from None
        except (OSError, ValueError):
            raise HTTPNotFound from None

    async def answer(self, request: Any) -> Any:
        """The handler: what a request for a name below the directory gets."""
        match = request._match
        if match is not None and len(match.values) == 1:
            name = match.value(0)
        else:
            name = request.match_info["filename"]
        accepted = request.headers.get(ACCEPT_ENCODING)
        stored = self.files.find(name, accepted)
        if stored is None:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(None, self._look_up, name)
            if isinstance(found, str):
                return Response(text=found, content_type="text/html", headers=list_policies())
            stored = choose_sibling(found, accepted or "")
        return FileResponse._of(stored, self, name)

    def _make_index(self, path: str, name: str) -> str:
        """A page that lists a directory, without links that lead out of what is served."""
        below = "/".join(part for part in name.split("/") if part)
        base = f"{self.prefix}/{below}" if below else self.prefix

        def is_shown(entry: "os.DirEntry[str]") -> bool:
            if self._follow_symlinks or not entry.is_symlink():
                return True
            return _is_below(os.path.realpath(entry.path), self._root)

        return make_listing(path, base, bool(below), is_shown)


def _is_below(path: str, root: str) -> bool:
    """True if `path` is `root` or lies below it; both are absolute and free of links."""
    path, root = os.path.normcase(path), os.path.normcase(root)
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
