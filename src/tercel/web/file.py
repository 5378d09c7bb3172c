"""FileResponse: a file as an answer (web_reference, FileResponse).

In: a path. Out: the file, or the part of it that the request asks for, or the status that says why
not. The file is opened, looked at and, if it is small, read in one trip to the executor; a larger
one is sent by the kernel where that is possible. It is closed on every path, whoever leaves first.
"""

import asyncio
import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..hdrs import CONTENT_ENCODING, CONTENT_TYPE, VARY
from ..net.sendfile import send_file
from .fileplan import SUFFIXES, FilePlan, plan_answer
from .stream import StreamResponse

if TYPE_CHECKING:
    from .answerhead import Pairs

__all__ = ("FileResponse",)

_SMALL = 64 * 1024  # octets: up to here one read and one write cost less than the kernel's way

# Opening a pipe must not wait for somebody to write into it.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class _Opened(NamedTuple):
    """What came of opening: a plan, and the octets themselves or the file that has them."""

    plan: FilePlan
    data: bytes | None
    file: Any


class FileResponse(StreamResponse):
    """Sends the file at `path`, with its type, length, Last-Modified and ETag.

    `chunk_size` is the number of octets read at a time where the kernel can't send files (262144
    by default); `status`, `reason` and `headers` are as for StreamResponse, and a Content-Type
    among the headers is kept. If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since,
    If-Range and one Range are honoured as RFC 9110 has it. A sibling `.br`, `.zst` or `.gz` is sent
    to a client that accepts its coding, unless it is a symbolic link. A missing file gives 404, one
    that may not be read or is no file 403.
    """

    _sends_head_at_once = False
    _count = 0

    def __init__(
        self,
        path: str | os.PathLike[str],
        chunk_size: int = 256 * 1024,
        status: int = 200,
        reason: str | None = None,
        headers: "Pairs | None" = None,
    ) -> None:
        super().__init__(status=status, reason=reason, headers=headers)
        self._path = os.fspath(path)
        self._chunk_size = chunk_size

    async def prepare(self, request: Any) -> "StreamResponse | None":
        """Send the file. Raises ConnectionError when the peer leaves, and what reading raises."""
        if self.prepared:
            return await super().prepare(request)
        opened = await self._open(request)
        try:
            self._apply(opened.plan)
            await super().prepare(request)
            await self._send(request, opened)
        finally:
            if opened.file is not None:
                opened.file.close()
        return None

    def _known_length(self) -> int | None:
        return None if self._encoder is not None else self._count

    def _has_body(self) -> bool:
        return False

    async def _open(self, request: Any) -> _Opened:
        """Open the file in the executor; a cancelled task leaves nothing open."""
        opening = asyncio.get_running_loop().run_in_executor(
            None,
            _open_file,
            self._path,
            request.method,
            request.headers,
            self._status,
            self._compression,
            not self._compression and CONTENT_ENCODING not in self.headers,
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_opened)
            raise

    def _apply(self, plan: FilePlan) -> None:
        """Make the head what the plan says."""
        if plan.status != self._status:
            self.set_status(plan.status)
        headers = self.headers
        for name, value in plan.headers:
            if name == "Vary" and VARY in headers:
                headers[VARY] = f"{headers[VARY]}, {value}"
            elif name != "Content-Type" or CONTENT_TYPE not in headers:
                headers[name] = value
        self._count = plan.count

    async def _send(self, request: Any, opened: _Opened) -> None:
        if request.method == "HEAD" or not self._count:
            await self.write_eof()
        elif opened.data is not None:
            await self.write_eof(opened.data)
        elif self._encoder is not None or self._chunked:
            await self._send_coded(opened)
        else:
            exchange = request._exchange
            exchange.write(b"")
            await send_file(
                exchange, opened.file, opened.plan.offset, self._count, self._chunk_size
            )
            await self.write_eof()

    async def _send_coded(self, opened: _Opened) -> None:
        """Send the file through the content coding, or in chunks."""
        loop = asyncio.get_running_loop()
        left = self._count
        opened.file.seek(opened.plan.offset)
        while left > 0:
            data = await loop.run_in_executor(None, opened.file.read, min(left, self._chunk_size))
            if not data:
                raise OSError(f"the file became shorter while it was sent: {left} bytes missing")
            left -= len(data)
            await self.write(data)
        await self.write_eof()


def _open_file(
    path: str,
    method: str,
    headers: Mapping[str, str],
    status: int,
    is_coded: bool,
    may_be_sibling: bool,
) -> _Opened:
    """Open and plan; runs outside the event loop's thread."""
    try:
        file = open(path, "rb", buffering=0, opener=_open_quickly)  # noqa: SIM115
    except (PermissionError, IsADirectoryError):
        return _Opened(FilePlan(403, (), 0, 0, path), None, None)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return _Opened(FilePlan(404, (), 0, 0, path), None, None)
    keeps = False
    try:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return _Opened(FilePlan(403, (), 0, 0, path), None, None)
        coding = None
        accepted = headers.get("Accept-Encoding") if may_be_sibling else None
        if accepted:
            sibling, coding = _open_sibling(path, accepted)
            if sibling is not None:
                file.close()
                file = sibling
                found = os.fstat(file.fileno())
        plan = plan_answer(
            path, found, method, headers, status=status, is_coded=is_coded, coding=coding
        )
        if method == "HEAD" or not plan.count:
            return _Opened(plan, None, None)
        if plan.count <= _SMALL:
            file.seek(plan.offset)
            data = file.read(plan.count)
            if len(data) == plan.count:
                return _Opened(plan, data, None)
        keeps = True
        return _Opened(plan, None, file)
    finally:
        if not keeps:
            file.close()


def _open_sibling(path: str, accepted: str) -> tuple[Any, str | None]:
    """The file and the coding of the sibling that the client likes best; None and None without."""
    from ..wire.coding import choose_coding

    offered = list(SUFFIXES)
    while offered:
        coding = choose_coding(accepted, tuple(offered))
        if coding == "identity":
            break
        offered.remove(coding)
        try:
            file = open(path + SUFFIXES[coding], "rb", buffering=0, opener=_open_no_link)  # noqa: SIM115
        except OSError:
            continue
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file, coding
        file.close()
    return None, None


def _open_quickly(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS)


def _open_no_link(path: str, flags: int) -> int:
    """A sibling that is a link could lead out of the directory that is served (CVE-2024-42367)."""
    if not _NO_LINK and os.path.islink(path):
        raise OSError(f"{path} is a symbolic link")
    return os.open(path, flags | _FLAGS | _NO_LINK)


def _close_opened(opening: "asyncio.Future[_Opened]") -> None:
    """The file of an answer that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        file = opening.result().file
        if file is not None:
            file.close()
