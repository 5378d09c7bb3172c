"""FileResponse: a file as an answer (web_reference, FileResponse).

In: a path. Out: the file, or the parts of it that the request asks for, or the status that says why
not. What `filecache` knows and a stat confirms is answered at once; what it doesn't is looked at in
the executor. A large file is opened for each answer, sent by the kernel where that is possible, and
closed on every path, whoever leaves first.
"""

import asyncio
import io
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ..hdrs import (
    ACCEPT_ENCODING,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
    VARY,
)
from ..net.sendfile import send_burst, send_file
from .filecache import (
    StoredFile,
    choose_sibling,
    is_same,
    open_plain,
    shared_files,
    store_file,
)
from .fileplan import CONDITIONS, FilePlan, Part, describe_file, plan_answer
from .stream import StreamResponse

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from .answerhead import Pairs

__all__ = ("FileResponse",)

#: Times that a file is looked at anew because another one has taken its place meanwhile.
_MOST_LOOKS = 5


class _Opened(NamedTuple):
    """A plan, and the octets themselves or the file that has them."""

    plan: FilePlan
    data: bytes | None
    file: Any


class _Rest(NamedTuple):
    """An open file whose first octets have left."""

    file: Any
    offset: int
    left: int


class FileResponse(StreamResponse):
    """Sends the file at `path`, with its type, length, Last-Modified and ETag.

    `chunk_size` is the number of octets read at a time where the kernel can't send files (262144
    by default); `status`, `reason` and `headers` are as for StreamResponse, and a Content-Type
    among the headers is kept. `cache_control` is the Cache-Control value of answers with the file,
    of parts of it, and of 304 (RFC 9111 section 5.2); None, the default, sends none.

    If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range and up to 32 ranges
    are honoured as RFC 9110 has it. A sibling `.br`, `.zst` or `.gz` is sent to a client that likes
    its coding best, unless it is a symbolic link. A text that begins as UTF-8 does is marked with
    that charset. A missing file gives 404, one that may not be read or is no file 403.

    A change of the file is noticed by the next request, a new sibling within a second.
    """

    _sends_head_at_once = False
    _long_way = False
    _count = 0
    _path = ""
    _chunk_size = 256 * 1024
    _cache_control: str | None = None
    _stored: StoredFile | None = None
    _folder: Any = None
    _rest: "_Rest | None" = None
    _name = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._long_way = True  # it may change how it is sent

    def __init__(
        self,
        path: str | os.PathLike[str],
        chunk_size: int = 256 * 1024,
        status: int = 200,
        reason: str | None = None,
        headers: "Pairs | None" = None,
        *,
        cache_control: str | None = None,
    ) -> None:
        super().__init__(status=status, reason=reason, headers=headers)
        self._path = os.fspath(path)
        self._chunk_size = chunk_size
        if cache_control is not None:
            self._cache_control = cache_control

    @classmethod
    def _of(cls, stored: StoredFile, folder: Any, name: str) -> "FileResponse":
        """The answer of a static resource: a file that was looked at, and its name there."""
        made = cls.__new__(cls)
        made._stored = stored
        made._folder = folder
        made._name = name
        if folder.cache_control is not None:
            made._cache_control = folder.cache_control
        return made

    # At once, where the contents are in memory

    def _answer_at_once(
        self, request: Any, exchange: Any
    ) -> "tuple[int, str, CIMultiDict[str] | bytes | str | None, bytes] | None":
        if self._long_way or self._exchange is not None:
            return None
        fields = request.headers
        stored = self._stored
        if stored is None:
            stored = shared_files.find(self._path, fields.get(ACCEPT_ENCODING))
            if stored is None:
                return None
            self._stored = stored
        data = stored.data
        headers = self._headers
        if headers is None and self._cookies is None and self._status == 200:
            # A lone field is Host, which is no condition.
            for name in CONDITIONS if len(fields) > 1 else ():
                if name in fields:
                    break
            else:
                if data is None:
                    self._send_burst(request, exchange, stored)
                    return None
                self._note_sent(request, exchange)
                return 200, self._reason, stored.block(self._cache_control), data
        if data is None:
            return None
        if headers is not None:
            for name in (CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING, CONTENT_ENCODING):
                if name in headers:
                    return None
        plan = self._plan(request, stored)
        self._apply(plan)
        headers = self.headers
        self._put_cookies(headers)
        self._note_sent(request, exchange)
        body = b"" if plan.status == 304 else _cut(data, plan)
        return self._status, self._reason, headers, body

    def _send_burst(self, request: Any, exchange: Any, stored: StoredFile) -> None:
        """Send a large file, or as much of it as the socket takes; the long way does the rest."""
        if self._reason != "OK":
            return
        try:
            descriptor, found = open_plain(stored.path, follow=stored.accepts_links)
        except OSError:
            return
        keeps = False
        try:
            if not is_same(found, stored.stat):
                return
            size = found.st_size
            exchange.start_block(stored.block(self._cache_control), size)
            self._exchange = exchange
            self._request = request
            self._keep_alive = exchange.keep_alive
            self._head_gone = True
            sent = size
            if not exchange.drops_body:
                sent = send_burst(exchange, descriptor, size)
            if sent == size:
                exchange.finish()
                self._eof_sent = True
            else:
                keeps = True
                self._rest = _Rest(io.FileIO(descriptor, "rb"), sent, size - sent)
        finally:
            if not keeps:
                os.close(descriptor)

    def _note_sent(self, request: Any, exchange: Any) -> None:
        self._exchange = exchange
        self._request = request
        self._eof_sent = True
        self._keep_alive = exchange.keep_alive

    # The long way

    async def prepare(self, request: Any) -> "StreamResponse | None":
        """Send the file. Raises ConnectionError when the peer leaves, and what reading raises."""
        rest = self._rest
        if rest is not None:
            self._rest = None
            await self._send_rest(rest)
            return None
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
        """Look at the file in the executor where need be, then plan and open."""
        stored = self._stored
        accepted = request.headers.get("Accept-Encoding")
        if stored is None:
            stored = shared_files.find(self._path, accepted)
        try:
            for _ in range(_MOST_LOOKS):
                if stored is None:
                    loop = asyncio.get_running_loop()
                    found = await loop.run_in_executor(None, self._load)
                    stored = choose_sibling(found, accepted or "")
                if self._compression or CONTENT_ENCODING in self.headers:
                    stored = stored.original or stored
                opened = self._open_stored(request, stored)
                if opened is not None:
                    return opened
                stored = None
        except PermissionError:
            return _Opened(FilePlan(403, (), 0, 0), None, None)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            pass
        return _Opened(FilePlan(404, (), 0, 0), None, None)

    def _load(self) -> StoredFile:
        """Look at the file; runs outside the event loop's thread."""
        if self._folder is not None:
            return self._folder.load(self._name)  # type: ignore[no-any-return]
        stored = store_file(self._path)
        shared_files.keep(self._path, stored)
        return stored

    def _open_stored(self, request: Any, stored: StoredFile) -> _Opened | None:
        """None where another file has taken the place of the one that was looked at."""
        if stored.data is not None:
            plan = self._plan(request, stored)
            return _Opened(plan, _cut(stored.data, plan), None)
        descriptor, found = open_plain(stored.path, follow=stored.accepts_links)
        file = io.FileIO(descriptor, "rb")
        keeps = False
        try:
            if (found.st_dev, found.st_ino) != (stored.stat.st_dev, stored.stat.st_ino):
                return None
            if not is_same(found, stored.stat):
                old = stored.facts
                facts = describe_file(found, old.content_type, time.time(), old.coding, old.varies)
                stored = StoredFile(stored.path, found, facts, None)
            plan = self._plan(request, stored)
            keeps = plan.count > 0 and request.method != "HEAD"
            return _Opened(plan, None, file if keeps else None)
        finally:
            if not keeps:
                file.close()

    def _plan(self, request: Any, stored: StoredFile) -> FilePlan:
        fields = request.headers
        facts = stored.facts
        own_type = self._content_type_value()
        if own_type is not None:
            facts = facts._replace(content_type=own_type)
        return plan_answer(
            facts,
            request.method,
            fields,
            now=time.time(),
            status=self._status,
            is_coded=self._compression,
            boundary=os.urandom(16).hex() if "," in fields.get("Range", "") else "",
        )

    def _apply(self, plan: FilePlan) -> None:
        """Make the head what the plan says."""
        is_kept = plan.status in (self._status, 206, 304)
        if plan.status != self._status:
            self.set_status(plan.status)
        headers = self.headers
        for name, value in plan.headers:
            if name == "Vary" and VARY in headers:
                known = headers[VARY]
                if known.strip() != "*" and value.lower() not in known.lower():
                    headers[VARY] = f"{known}, {value}"
            else:
                headers[name] = value
        if self._cache_control is not None and is_kept and CACHE_CONTROL not in headers:
            headers[CACHE_CONTROL] = self._cache_control
        if not plan.count and CONTENT_TYPE in headers and plan.status in (304, 403, 404, 412, 416):
            if not is_kept or plan.status == 304:
                del headers[CONTENT_TYPE]
        self._count = plan.count

    async def _send(self, request: Any, opened: _Opened) -> None:
        plan = opened.plan
        if request.method == "HEAD" or not plan.count:
            await self.write_eof()
        elif opened.data is not None:
            await self.write_eof(opened.data)
        elif self._encoder is not None or self._chunked:
            await self._send_coded(opened)
        else:
            exchange = request._exchange
            size = self._size_of_pieces()
            for part in _list_parts(plan):
                exchange.write(part.preface)
                await send_file(exchange, opened.file, part.offset, part.count, size)
            await self.write_eof(plan.tail)

    async def _send_rest(self, rest: _Rest) -> None:
        exchange: Any = self._exchange
        size = self._size_of_pieces()
        try:
            exchange.write(b"")
            await send_file(exchange, rest.file, rest.offset, rest.left, size)
            await self.write_eof()
        finally:
            rest.file.close()

    def _size_of_pieces(self) -> int:
        return self._chunk_size if self._folder is None else self._folder.chunk_size

    async def _send_coded(self, opened: _Opened) -> None:
        """Send the file through the content coding, or in chunks."""
        loop = asyncio.get_running_loop()
        for part in _list_parts(opened.plan):
            if part.preface:
                await self.write(part.preface)
            left = part.count
            opened.file.seek(part.offset)
            while left > 0:
                size = min(left, self._size_of_pieces())
                data = await loop.run_in_executor(None, opened.file.read, size)
                if not data:
                    raise OSError(
                        f"the file became shorter while it was sent: {left} bytes missing"
                    )
                left -= len(data)
                await self.write(data)
        await self.write_eof(opened.plan.tail)


def _list_parts(plan: FilePlan) -> tuple[Part, ...]:
    return plan.parts or (Part(b"", plan.offset, plan.count),)


def _cut(data: bytes, plan: FilePlan) -> bytes:
    """The body that a plan makes of a file's contents."""
    if not plan.parts:
        return data if plan.count == len(data) else data[plan.offset : plan.offset + plan.count]
    pieces = []
    for part in plan.parts:
        pieces.append(part.preface)
        pieces.append(data[part.offset : part.offset + part.count])
    pieces.append(plan.tail)
    return b"".join(pieces)
