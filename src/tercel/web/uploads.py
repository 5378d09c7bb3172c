"""Multipart forms of a request: texts in memory, files on disk above a size.

In: a request. Out: a mapping of names to texts, octets and `FileField`s. Limits hold while reading:
octets over the whole body, parts over the whole form. On every way out but success the files are
closed; those of a form that was read are closed when its request has been answered.
"""

import asyncio
import io
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from multidict import CIMultiDictProxy, MultiDict

from tercel.web.errors import HTTPRequestEntityTooLarge

if TYPE_CHECKING:
    from tercel.content.parts import BodyPartReader

__all__ = ("FileField", "close_files", "read_multipart_form")

#: Octets of a file that are held in memory; more go to a file without a name, which the system
#: removes when it is closed.
SPOOL_SIZE = 2**18


@dataclass(frozen=True, slots=True)
class FileField:
    """A file of a form (web_reference, FileField).

    `filename` is what the sender wrote, `file` is open for reading from its start. `content_type`
    is the part's, "application/octet-stream" where it has none; `headers` are the part's fields.
    """

    name: str
    filename: str
    file: IO[bytes]
    content_type: str
    headers: CIMultiDictProxy[str]


class Spool:
    """A file being received."""

    __slots__ = ("_file", "_held")

    def __init__(self) -> None:
        self._held = bytearray()
        self._file: IO[bytes] | None = None

    async def write(self, piece: bytes) -> None:
        """Add `piece`; in a thread once there is more than `SPOOL_SIZE` held."""
        self._held += piece
        if len(self._held) > SPOOL_SIZE:
            await self._flush()

    async def _flush(self) -> None:
        if self._file is None:
            import tempfile

            # No await stands between opening the file and holding it.
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
        held, self._held = self._held, bytearray()
        await asyncio.get_running_loop().run_in_executor(None, self._file.write, held)

    async def finish(self) -> IO[bytes]:
        """The whole file, at its start."""
        if self._file is None:
            return io.BytesIO(self._held)
        if self._held:
            await self._flush()
        await asyncio.get_running_loop().run_in_executor(None, self._file.seek, 0)
        return self._file

    def close(self) -> None:
        """Give up what was received."""
        if self._file is not None:
            self._file.close()


class _Counted:
    """The body of a request, as long as it holds no more than `limit` octets (0: any number)."""

    __slots__ = ("_content", "_count", "_limit")

    def __init__(self, content: Any, limit: int) -> None:
        self._content = content
        self._limit = limit
        self._count = 0

    async def readany(self) -> bytes:
        piece: bytes = await self._content.readany()
        self._count += len(piece)
        if self._limit and self._count > self._limit:
            raise HTTPRequestEntityTooLarge(max_size=self._limit, actual_size=self._count)
        return piece


async def read_multipart_form(request: Any) -> MultiDict[Any]:
    """The fields of a multipart form.

    A part with a file name becomes a `FileField`; another is str where it has no content type or
    one of text, else bytearray. Raises HTTPRequestEntityTooLarge above `client_max_size` octets or
    `client_max_fields` parts, BadMultipart, a ValueError, for a form that is malformed.
    """
    from tercel.content.multipart import BadMultipart, BodyPartReader, MultipartReader

    limit = request.client_max_size
    declared = request._head.content_length
    if limit and declared is not None and declared > limit:
        raise HTTPRequestEntityTooLarge(max_size=limit, actual_size=declared)
    content = _Counted(request.content, limit)
    max_fields = request.client_max_fields
    fields: MultiDict[Any] = MultiDict()
    spools: list[Spool] = []
    count = 0
    try:
        reader = MultipartReader(request.headers, content)
        while (part := await reader.next()) is not None:
            count += 1
            if max_fields and count > max_fields:
                raise HTTPRequestEntityTooLarge(
                    max_size=max_fields,
                    actual_size=count,
                    text=f"the form has more than {max_fields} fields",
                )
            if not isinstance(part, BodyPartReader):
                raise BadMultipart("a field of a form is multipart itself, expected one value")
            if part.name is None:
                raise BadMultipart("a field of a form has no name in its Content-Disposition")
            try:
                fields.add(part.name, await _read_field(part, spools))
            except BadMultipart:
                raise
            except (RuntimeError, LookupError, ValueError) as error:
                raise BadMultipart(f"the field {part.name!r} can't be decoded: {error}") from None
        while await content.readany():
            pass
    except BaseException:
        _close_all(spools)
        raise
    if spools:
        # The last resort, for requests that no server answers.
        weakref.finalize(request, _close_all, spools).atexit = False
    return fields


async def _read_field(part: "BodyPartReader", spools: list[Spool]) -> Any:
    if part.filename:
        spool = Spool()
        spools.append(spool)
        async for piece in part.decoded_pieces():
            await spool.write(piece)
        file = await spool.finish()
        headers = CIMultiDictProxy(part.headers.copy())
        kind = headers.get("Content-Type", "application/octet-stream")
        return FileField(part.name or "", part.filename, file, kind, headers)
    data = await part.read(decode=True)
    content_type = part.headers.get("Content-Type")
    if content_type is None or content_type.lower().startswith("text/"):
        return data.decode(part.get_charset("utf-8") or "utf-8")
    return data


def close_files(form: Mapping[str, Any]) -> None:
    """Close the files on disk of a form that was read; those in memory stay readable."""
    for value in form.values():
        if type(value) is FileField and not isinstance(value.file, io.BytesIO):
            value.file.close()


def _close_all(spools: Iterable[Spool]) -> None:
    for spool in spools:
        spool.close()
