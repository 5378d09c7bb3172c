"""StaticResource: the files below a directory, under a prefix (web_reference, StaticResource).

In: a file name from a URL, decoded. Out: a `FileResponse`, an index page, or 403 and 404. A name
never leads out of the directory: ".." is refused before the disk is asked, links are followed to
their end and must end inside, unless `follow_symlinks` is on.
"""

import asyncio
import html
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from yarl import URL

from tercel.web.errors import HTTPForbidden, HTTPNotFound
from tercel.web.matchinfo import UrlMappingMatchInfo
from tercel.web.pattern import normal_path, quote_path
from tercel.web.resources import PrefixResource, Resolution
from tercel.web.response import Response
from tercel.web.routes import AbstractRoute, ResourceRoute

__all__ = ("StaticResource", "names_a_way_out")

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


class StaticResource(PrefixResource):
    """A directory's files, for GET and HEAD.

    `chunk_size` is in octets; `show_index` shows directories, else 403; `follow_symlinks` lets
    links lead out of the directory, else 404; `append_version` is the default of `url_for()`.
    Raises ValueError where `directory` is none.
    """

    VERSION_KEY = "v"

    def __init__(
        self,
        prefix: str,
        directory: str | os.PathLike[str],
        *,
        name: str | None = None,
        expect_handler: Any = None,
        chunk_size: int = 256 * 1024,
        show_index: bool = False,
        follow_symlinks: bool = False,
        append_version: bool = False,
    ) -> None:
        super().__init__(prefix, name=name)
        try:
            self._directory = Path(directory).expanduser().resolve(strict=True)
        except FileNotFoundError:
            raise ValueError(f"'{directory}' does not exist") from None
        if not self._directory.is_dir():
            raise ValueError(f"'{directory}' is not a directory")
        self._chunk_size = chunk_size
        self._show_index = show_index
        self._follow_symlinks = follow_symlinks
        self._append_version = append_version
        self._versions: dict[Path, tuple[int, int, str]] = {}
        self._routes: dict[str, ResourceRoute] = {
            method: ResourceRoute(method, self._handle, self, expect_handler=expect_handler)
            for method in ("GET", "HEAD")
        }

    def url_for(  # type: ignore[override]
        self, *, filename: str | os.PathLike[str], append_version: bool | None = None
    ) -> URL:
        """The URL of a file; with `append_version`, `v=` and a hash of what the file holds now.

        A file that is missing or outside of the directory gets no version.
        """
        name = os.fspath(filename).replace(os.sep, "/").lstrip("/")
        path = quote_path(self._prefix) + "/" + quote(name, safe="/:@!$&'()*+,;=-._~")
        url = URL.build(path=path, encoded=True)
        if append_version is None:
            append_version = self._append_version
        if append_version:
            version = self._find_version(name)
            if version is not None:
                url = url.with_query({self.VERSION_KEY: version})
        return url

    def _find_version(self, name: str) -> str | None:
        path = self._locate(name)
        if path is None or not path.is_file():
            return None
        stat = path.stat()
        known = self._versions.get(path)
        if known is None or known[:2] != (stat.st_mtime_ns, stat.st_size):
            import base64
            import hashlib

            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            version = base64.urlsafe_b64encode(digest).decode("ascii")
            known = self._versions[path] = (stat.st_mtime_ns, stat.st_size, version)
        return known[2]

    def get_info(self) -> dict[str, Any]:
        """The directory, the prefix and the routes."""
        return {"directory": self._directory, "prefix": self._prefix, "routes": self._routes}

    def set_options_route(self, handler: Any) -> None:
        """Let `handler` answer OPTIONS. Raises RuntimeError where there is one already."""
        if "OPTIONS" in self._routes:
            raise RuntimeError("OPTIONS route was set already")
        route = ResourceRoute("OPTIONS", handler, self)
        self._routes = {**self._routes, "OPTIONS": route}
        self._changed()

    async def resolve(self, request: Any) -> Resolution:
        """(match or None, allowed methods)."""
        path = normal_path(request.rel_url.raw_path)
        if not self._covers(path):
            return None, set()
        allowed = set(self._routes)
        route = self._routes.get(request.method)
        if route is None:
            return None, allowed
        name = path[len(self._prefix) + 1 :].replace("%2F", "/").replace("%25", "%")
        return UrlMappingMatchInfo({"filename": name}, route), allowed

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._routes.values())

    def __repr__(self) -> str:
        name = f"'{self.name}'" if self.name is not None else ""
        return f"<StaticResource {name} {self._prefix} -> {self._directory!r}>"

    def _locate(self, name: str) -> Path | None:
        """The path of a file or directory, None where there is none that may be shown."""
        if names_a_way_out(name):
            return None
        path = self._directory.joinpath(*[part for part in name.split("/") if part])
        try:
            real = path.resolve(strict=True)
        except PermissionError:
            raise
        except (OSError, RuntimeError, ValueError):
            return None
        if self._follow_symlinks:
            return path
        return real if real.is_relative_to(self._directory) else None

    def _look_up(self, name: str) -> "tuple[Path, str | None]":
        """A file's path and None, or a directory's path and its index page."""
        try:
            path = self._locate(name)
            if path is None:
                raise HTTPNotFound
            if path.is_dir():
                if not self._show_index:
                    raise HTTPForbidden
                return path, self._make_index(path, name)
            # A file has no "/" behind its name.
            if not path.is_file() or name.endswith("/"):
                raise HTTPNotFound
            return path, None
        except PermissionError:
            raise HTTPForbidden from None

    async def _handle(self, request: Any) -> Any:
        name = request.match_info["filename"]
        loop = asyncio.get_running_loop()
        path, index = await loop.run_in_executor(None, self._look_up, name)
        if index is not None:
            return Response(text=index, content_type="text/html")
        from tercel.web.file import FileResponse

        return FileResponse(path, chunk_size=self._chunk_size)

    def _make_index(self, path: Path, name: str) -> str:
        """A page that lists a directory."""
        below = "/".join(part for part in name.split("/") if part)
        base = f"{self._prefix}/{below}" if below else self._prefix
        title = html.escape(f"Index of {base or '/'}")
        lines = []
        for entry in sorted(path.iterdir(), key=lambda entry: entry.name):
            label = entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            mark = "/" if entry.is_dir() else ""
            link = quote(f"{base}/{os.fsencode(entry.name).decode('utf-8', 'replace')}{mark}")
            lines.append(f'<li><a href="{html.escape(link)}">{html.escape(label)}{mark}</a></li>')
        listing = "\n".join(lines)
        return (
            "<!doctype html>\n<html>\n<head>\n<meta charset=utf-8>\n"
            f"<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n"
            f"<ul>\n{listing}\n</ul>\n</body>\n</html>\n"
        )
