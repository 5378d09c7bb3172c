"""The limit: a protocol that writes octets it made before and counts those of the answers.

It reads one answer of each case with care, and takes for granted that the others are as long.
"""

import asyncio
import json
import ssl
import time
import urllib.parse


def make_head(method, url, fields=""):
    parts = urllib.parse.urlsplit(url)
    return f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{fields}\r\n".encode()


class Asker(asyncio.BufferedProtocol):
    """Asks on one connection, over and over, until `end`."""

    def __init__(self, head, body, end):
        self.head = head
        self.body = body
        self.end = end
        self.size = 0
        self.got = 0
        self.first = b""
        self.count = 0
        self.buffer = memoryview(bytearray(262_144))
        self.writable = asyncio.Event()
        self.writable.set()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("nginx closed the connection"))

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def ask(self):
        self.got = 0
        if isinstance(self.body, bytes):
            self.transport.write(self.head + self.body)
        else:
            self.task = asyncio.ensure_future(self.send())

    async def send(self):
        self.transport.write(self.head)
        async for piece in self.body():
            self.transport.writelines((b"%x\r\n" % len(piece), piece, b"\r\n"))
            if not self.writable.is_set():
                await self.writable.wait()
        self.transport.write(b"0\r\n\r\n")

    def get_buffer(self, hint):
        return self.buffer

    def buffer_updated(self, size):
        self.got += size
        if not self.size:
            self.first += self.buffer[:size]
            self.measure()
        if self.size and self.got >= self.size:
            self.count += 1
            if time.perf_counter() < self.end:
                self.ask()
            elif not self.done.done():
                self.done.set_result(self.count)

    def measure(self):
        head, found, _ = self.first.partition(b"\r\n\r\n")
        if found:
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"bare: nginx answers {head[:40]!r}")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0])
            self.size = len(head) + 4 + length


async def run(case, url, concurrency, seconds, authority, document, stream):
    """Answers counted within `seconds`."""
    body = b""
    if case == "json":
        body = json.dumps(document).encode()
        fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        head = make_head("POST", url, fields)
    elif case == "upload":
        body = stream
        head = make_head("POST", url, "Transfer-Encoding: chunked\r\n")
    else:
        head = make_head("GET", url)
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cafile=authority) if parts.scheme == "https" else None
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    askers = []
    for _ in range(concurrency):
        transport, asker = await loop.create_connection(
            lambda: Asker(head, body, end), parts.hostname, parts.port, ssl=context
        )
        askers.append((transport, asker))
    count = sum(await asyncio.gather(*(asker.done for _, asker in askers)))
    for transport, _ in askers:
        transport.abort()
    return count
