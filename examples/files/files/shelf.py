"""What is kept and what is on its way: two folders, and the rules for moving between them.

An upload is a file of what came so far beside a note of its name and size, so that it outlives a
restart; its offset is the size of the file. Everything here blocks and is called in a thread, and
nothing here knows of HTTP.
"""

import json
import os
import re
import secrets
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .names import clean_name, count_up

__all__ = ["GB", "Kept", "Refused", "Shelf", "Upload"]

GB = 1_000_000_000
MAX_UPLOADS = 200  # on their way at once
MAX_DONE = 1000  # whole ones that are remembered
MAX_AGE = 24 * 3600.0  # seconds after which an upload that nobody goes on with is given up
TOKEN = re.compile(r"[0-9a-f]{32}")


class Refused(Exception):
    """An upload that can't be taken. The sentence is for whoever wanted it."""


@dataclass(frozen=True)
class Kept:
    """A file that is there: `size` in octets, `modified` in seconds since 1970."""

    name: str
    size: int
    modified: float


@dataclass(frozen=True)
class Upload:
    """A file on its way: `size` is what it will have, `path` holds what came so far.

    `done` is the name under which a whole one is kept: whoever did not hear of it may ask again.
    """

    token: str
    name: str
    size: int
    path: Path
    done: str | None = None

    @property
    def offset(self) -> int:
        """Octets that are there."""
        return self.size if self.done is not None else self.path.stat().st_size


class Shelf:
    """A folder of files, none larger than `max_size`, together not more than `max_total` octets."""

    def __init__(self, root: Path, max_size: int = 4 * GB, max_total: int = 20 * GB) -> None:
        self.kept = root / "kept"
        self.coming = root / "coming"
        self.max_size = max_size
        self.max_total = max_total
        self._lock = threading.Lock()
        for folder in (self.kept, self.coming):
            folder.mkdir(parents=True, exist_ok=True)

    # What is there

    def list_kept(self) -> list[Kept]:
        """All files, the newest first."""
        found = []
        with os.scandir(self.kept) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    found.append(Kept(entry.name, facts.st_size, facts.st_mtime))
        return sorted(found, key=lambda kept: (-kept.modified, kept.name))

    def find_kept(self, name: str) -> Kept | None:
        """The file of that name, None where there is none (any more)."""
        path = self.kept / name
        if path.parent != self.kept or path.is_symlink() or not path.is_file():
            return None
        facts = path.stat()
        return Kept(name, facts.st_size, facts.st_mtime)

    def remove(self, name: str) -> bool:
        """Delete a file; False where there is none of that name."""
        if self.find_kept(name) is None:
            return False
        (self.kept / name).unlink(missing_ok=True)
        return True

    # What is on its way

    def begin(self, name: str, size: int) -> Upload:
        """Make room for a file of `size` octets. Raises Refused where there is none."""
        if not 0 <= size <= self.max_size:
            raise Refused(f"A file may have {self.max_size} octets at most.")
        with self._lock:
            known = self._list_uploads()
            if len(known) >= MAX_UPLOADS:
                raise Refused("Too many uploads are on their way.")
            promised = sum(upload.size for upload in known)
            if promised + sum(kept.size for kept in self.list_kept()) + size > self.max_total:
                raise Refused("There is no room left for a file of this size.")
            token = secrets.token_hex(16)
            upload = Upload(token, clean_name(name), size, self.coming / f"{token}.part")
            upload.path.touch(mode=0o600)
            self._write_note(upload)
        return upload

    def find(self, token: str) -> Upload | None:
        """The upload of that token, None where there is none (any more)."""
        if not TOKEN.fullmatch(token):
            return None
        path = self.coming / f"{token}.part"
        try:
            note = json.loads((self.coming / f"{token}.json").read_text())
            done = note.get("done")
            upload = Upload(token, clean_name(note["name"]), int(note["size"]), path, done)
            return upload if upload.offset <= upload.size else None
        except (AttributeError, KeyError, OSError, TypeError, ValueError):
            return None

    def finish(self, upload: Upload) -> Kept:
        """Put a whole upload where it can be fetched, under a name that is still free."""
        with self._lock:
            for number in range(1, 10_000):
                target = self.kept / count_up(upload.name, number)
                try:
                    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                except FileExistsError:
                    continue
                os.replace(upload.path, target)
                self._write_note(replace(upload, done=target.name))
                facts = target.stat()
                return Kept(target.name, facts.st_size, facts.st_mtime)
        raise Refused("There are too many files of this name.")

    def cancel(self, upload: Upload) -> None:
        """Delete what came of an upload."""
        with self._lock:
            self._forget(upload.token)

    def clean(self, now: float | None = None) -> int:
        """Give up uploads that nobody has gone on with for a day; how many."""
        limit = (time.time() if now is None else now) - MAX_AGE
        gone = 0
        with self._lock:
            for path in list(self.coming.iterdir()):
                if path.stat().st_mtime >= limit:
                    continue
                part = path.with_suffix(".part")
                if path.suffix == ".json" and part.exists() and part.stat().st_mtime >= limit:
                    continue  # its octets still come
                gone += path.suffix == ".part"
                path.unlink(missing_ok=True)
        return gone

    def _list_uploads(self) -> list[Upload]:
        """Those that are not whole yet; of those that are, the oldest are forgotten."""
        found = [self.find(path.stem) for path in sorted(self.coming.glob("*.json"), key=_age_of)]
        done = [upload.token for upload in found if upload is not None and upload.done is not None]
        for token in done[:-MAX_DONE]:
            self._forget(token)
        return [upload for upload in found if upload is not None and upload.done is None]

    def _write_note(self, upload: Upload) -> None:
        note = {"name": upload.name, "size": upload.size}
        if upload.done is not None:
            note["done"] = upload.done
        path = self.coming / f"{upload.token}.json"
        path.with_suffix(".new").write_text(json.dumps(note))
        os.replace(path.with_suffix(".new"), path)

    def _forget(self, token: str) -> None:
        for suffix in (".part", ".json"):
            (self.coming / f"{token}{suffix}").unlink(missing_ok=True)


def _age_of(path: Path) -> float:
    return path.stat().st_mtime
