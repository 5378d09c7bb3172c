"""One client, one case, in a process of its own; prints what it did as a line of JSON.

Usage: load.py SUBJECT CASE URL CONCURRENCY SECONDS AUTHORITY. Every answer is checked: status and
body, and for uploads what the server says that it has read. Exits with 3 where SUBJECT is not
installed, with 4 and a sentence where an answer is wrong.
"""

import asyncio
import json
import sys
import time

import bare
import subjects
import uvloop

SMALL = 100
MIB = 2**20
UPLOAD = 10 * MIB
PIECE = bytes(65_536)
DOCUMENT = {"items": [{"id": n, "name": f"name {n}", "price": n / 4} for n in range(23)]}


async def stream():
    """A body of 10 MiB in pieces of 64 KiB."""
    for _ in range(UPLOAD // len(PIECE)):
        yield PIECE


class Wrong(Exception):
    """An answer is not what it has to be."""


def check(case, status, body):
    if int(str(status).split()[0]) != 200:
        raise Wrong(f"the status is {status}, expected 200")
    if case in ("get-1", "get-64", "tls-64") and len(body) != SMALL:
        raise Wrong(f"a body of {len(body)} bytes came, expected {SMALL}")
    if case == "download" and len(body) != MIB:
        raise Wrong(f"a body of {len(body)} bytes came, expected {MIB}")
    if case == "json" and int(bytes(body)) < 1000:
        raise Wrong(f"the server has read {bytes(body).decode()} bytes, expected 1000 and more")
    if case == "upload" and int(bytes(body)) < UPLOAD:
        raise Wrong(f"the server has read {bytes(body).decode()} bytes, expected {UPLOAD}")


async def ask(subject, case, url, seconds):
    """Ask one request after another; the number of answers."""
    end = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < end:
        if case == "json":
            status, body = await subject.post(url, DOCUMENT)
        elif case == "upload":
            status, body = await subject.upload(url, stream())
        else:
            status, body = await subject.get(url)
        check(case, status, body)
        count += 1
    return count


async def run(name, case, url, concurrency, seconds, authority):
    """Answers, seconds and CPU seconds of a measured stretch, after a short one to warm up."""

    async def load(seconds):
        if name == "bare":
            return await bare.run(case, url, concurrency, seconds, authority, DOCUMENT, stream)
        asked = (ask(subject, case, url, seconds) for _ in range(concurrency))
        return sum(await asyncio.gather(*asked))

    if name != "bare":
        subject = subjects.make(name)
        await subject.open(authority)
    await load(min(0.3, seconds))
    started, spent = time.perf_counter(), time.process_time()
    count = await load(seconds)
    result = (count, time.perf_counter() - started, time.process_time() - spent)
    if name != "bare":
        await subject.close()
    return result


def main():
    name, case, url, concurrency, seconds, authority = sys.argv[1:]
    try:
        result = uvloop.run(run(name, case, url, int(concurrency), float(seconds), authority))
    except ImportError as error:
        print(error, file=sys.stderr)
        raise SystemExit(3) from None
    except Wrong as error:
        print(f"{name}, {case}: {error}", file=sys.stderr)
        raise SystemExit(4) from None
    print(json.dumps(result))


main()
