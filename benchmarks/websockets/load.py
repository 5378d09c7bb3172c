"""The client of all: load.py PORT SIZE CONNECTIONS SECONDS. Prints messages echoed, and seconds.

Neither library's: it writes one masked frame that was made before, counts the octets of the echo,
and writes it again.
"""

import asyncio
import sys
import time

import uvloop

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def make_frame(size, is_masked):
    """A binary frame of zeros, which masked with zeros look the same."""
    bit = 128 if is_masked else 0
    head = bytes((130, bit | size)) if size < 126 else bytes((130, bit | 126, *divmod(size, 256)))
    return head + (b"\0" * 4 if is_masked else b"") + bytes(size)


class Echoed(asyncio.Protocol):
    def __init__(self, size):
        self.frame = make_frame(size, True)
        self.answer = make_frame(size, False)
        self.head = b""
        self.opened = asyncio.get_running_loop().create_future()
        self.got = 0
        self.count = 0
        self.is_wrong = False

    def connection_made(self, transport):
        self.transport = transport
        transport.write(HANDSHAKE)

    def data_received(self, data):
        if not self.opened.done():
            self.head += data
            if self.head.endswith(b"\r\n\r\n"):
                self.opened.set_result(self.head.startswith(b"HTTP/1.1 101"))
            return
        if self.got == 0 and not data.startswith(self.answer[:2]):
            self.is_wrong = True
        self.got += len(data)
        if self.got >= len(self.answer):
            self.is_wrong = self.is_wrong or self.got > len(self.answer)
            self.got = 0
            self.count += 1
            self.transport.write(self.frame)


async def main(port, size, connections, seconds):
    loop = asyncio.get_running_loop()
    all_of_them = []
    for _ in range(connections):
        _, protocol = await loop.create_connection(lambda: Echoed(size), "127.0.0.1", port)
        if not await protocol.opened:
            sys.exit("the server refused the handshake")
        all_of_them.append(protocol)
    for protocol in all_of_them:
        protocol.transport.write(protocol.frame)
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    lasted = time.perf_counter() - began
    count = sum(protocol.count for protocol in all_of_them)
    if any(protocol.is_wrong for protocol in all_of_them):
        sys.exit("an echo is not what was sent")
    print(count, lasted)
    for protocol in all_of_them:
        protocol.transport.abort()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:4]), float(sys.argv[4])))
