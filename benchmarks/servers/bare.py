"""The limit: a uvloop protocol that answers whatever comes and parses nothing.

Usage: bare.py PORT
"""

import asyncio
import os
import ssl
import sys

import uvloop

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n"
    b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: bare\r\n\r\nHello, World!"
)


class Bare(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(ANSWER)


async def main():
    loop = asyncio.get_running_loop()
    context = None
    folder = os.environ.get("BENCH_TLS")
    if folder:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    await loop.create_server(Bare, "127.0.0.1", int(sys.argv[1]), ssl=context)
    await asyncio.Event().wait()


uvloop.run(main())
