"""StaticResource: the files below a directory, under a prefix (web_reference, StaticResource).

In: a prefix, a directory and options. Out: routes for GET and HEAD, and the URLs of files. What
those routes answer is `folder.py`'s business, which is loaded with the first static resource.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from yarl import URL

from tercel.web.matchinfo import UrlMappingMatchInfo
from tercel.web.pattern import normal_path, quote_path
from tercel.web.resources import PrefixResource, Resolution
from tercel.web.routes import AbstractRoute, ResourceRoute
from tercel.wire.h1.encode import encode_fields

__all__ = ("StaticResource",)


class StaticResource(PrefixResource):
    """A directory's files, for GET and HEAD.

    `chunk_size` is in octets; `show_index` shows directories, else 403; `follow_symlinks` lets
    links lead out of the directory, else 404; `append_version` is the default of `url_for()`;
    `cache_control` is the Cache-Control value of every file, None for none. Raises ValueError
    where `directory` is none, or `cache_control` is no field value.
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
        cache_control: str | None = None,
    ) -> None:
        super().__init__(prefix, name=name)
        try:
            self._directory = Path(directory).expanduser().resolve(strict=True)
        except FileNotFoundError:
            raise ValueError(f"'{directory}' does not exist") from None
        if not self._directory.is_dir():
            raise ValueError(f"'{directory}' is not a directory")
        if cache_control is not None:
            encode_fields((("Cache-Control", cache_control),))
        from tercel.web.folder import Folder

        self._append_version = append_version
        self._folder = Folder(
            os.fspath(self._directory),
            self._prefix,
            chunk_size=chunk_size,
            show_index=show_index,
            follow_symlinks=follow_symlinks,
            cache_control=cache_control,
        )
        self._routes: dict[str, ResourceRoute] = {
            method: ResourceRoute(method, self._folder.answer, self, expect_handler=expect_handler)
            for method in ("GET", "HEAD")
        }

    def add_prefix(self, prefix: str) -> None:
        """Put `prefix` before the prefix."""
        super().add_prefix(prefix)
        self._folder.prefix = self._prefix

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
            version = self._folder.find_version(name)
            if version is not None:
                url = url.with_query({self.VERSION_KEY: version})
        return url

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
