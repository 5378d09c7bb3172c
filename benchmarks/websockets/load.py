"""The client of all: load.py PORT SIZE CONNECTIONS IN_FLIGHT SECONDS [tls] [deflate] [hold].

Neither library's: it writes masked frames that were made before, counts the frames that come back
by their heads, and writes as many again. Prints "ready" when all connections are open, then the
number of echoes, and seconds. With "hold" it sends one message on each connection and then waits
for the end of its input.
"""

import asyncio
import json
import ssl
import sys
import time
import zlib

import uvloop

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def make_payload(size, is_deflated):
    """Zeros, or compressed JSON; a message by itself, for whatever window."""
    if not is_deflated:
        return bytes(size)
    rows = [{"id": 7919 * n % 9973, "name": f"name {n * n}", "ok": n % 3 == 0} for n in range(size)]
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    text = json.dumps(rows).encode()[:size]
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def make_frame(payload, is_deflated):
    """A binary frame, masked with zeros, which change nothing."""
    size = len(payload)
    first = 194 if is_deflated else 130
    head = bytes((first, 128 | size)) if size < 126 else bytes((first, 254, *divmod(size, 256)))
    return head + bytes(4) + payload


class Echoed(asyncio.Protocol):
    def __init__(self, frame, in_flight):
        self.frame = frame
        self.in_flight = in_flight
        self.opened = asyncio.get_running_loop().create_future()
        self.rest = b""
        self.ahead = 0
        self.count = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if not self.opened.done():
            self.rest += data
            if self.rest.endswith(b"\r\n\r\n"):
                self.opened.set_result(self.rest.startswith(b"HTTP/1.1 101"))
                self.rest = b""
            return
        done = self.count_frames(data)
        self.count += done
        if done and self.in_flight:
            self.transport.write(self.frame * done if done > 1 else self.frame)

    def count_frames(self, data):
        """How many frames end within these octets."""
        if self.ahead >= len(data):
            self.ahead -= len(data)
            return self.ahead == 0
        if self.rest:
            data = self.rest + data
            self.rest = b""
        done = self.ahead > 0
        pos = self.ahead
        self.ahead = 0
        while pos < len(data):
            if len(data) - pos < 4:
                self.rest = data[pos:]
                break
            size = data[pos + 1]
            pos += 2
            if size > 125:
                size = data[pos] << 8 | data[pos + 1]
                pos += 2
            pos += size
            if pos > len(data):
                self.ahead = pos - len(data)
            else:
                done += 1
        return done

    def eof_received(self):
        sys.exit("the server closed a connection")


async def main(port, size, connections, in_flight, seconds, *how):
    loop = asyncio.get_running_loop()
    tls = None
    if "tls" in how:
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    is_deflated = "deflate" in how
    frame = make_frame(make_payload(size, is_deflated), is_deflated)
    everyone = []
    for _ in range(connections):
        _, protocol = await loop.create_connection(
            lambda: Echoed(frame, 0 if "hold" in how else in_flight), "127.0.0.1", port, ssl=tls
        )
        protocol.transport.write(HANDSHAKE + (DEFLATE if is_deflated else b"") + b"\r\n")
        everyone.append(protocol)
    for protocol in everyone:
        if not await protocol.opened:
            sys.exit("the server refused the handshake")
    print("ready", flush=True)
    for protocol in everyone:
        protocol.transport.write(frame * in_flight)
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    lasted = time.perf_counter() - began
    count = sum(protocol.count for protocol in everyone)
    if not all(protocol.count for protocol in everyone):
        sys.exit("not every connection was answered")
    print(count, lasted, flush=True)
    if "hold" in how:
        await loop.run_in_executor(None, sys.stdin.read)
    for protocol in everyone:
        protocol.transport.abort()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:5]), float(sys.argv[5]), *sys.argv[6:]))
