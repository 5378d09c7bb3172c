"""Downloads many files at once, goes on where it was cut off, and checks what came.

Usage: downloader.py [URL ...] [--from FILE] [--to DIR] [--at-once N] [--attempts N]

A file on its way is called NAME.part; NAME.part.json beside it tells what it is a part of, so that
the next run asks for the rest only (RFC 9110 section 14), if the server's file is still the same.
Needs rich. Exits with 1 where a URL failed, each with one sentence; with 2 for wrong arguments.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from yarl import URL

import tercel

PIECE = 262_144  # bytes that are written at a time
PATIENCE = tercel.ClientTimeout(total=None, sock_connect=20, sock_read=30)  # seconds
IDENTITY = {"Accept-Encoding": "identity"}  # sizes and ranges are those of the file itself


class DownloadError(Exception):
    """Why a file could not be downloaded, as the end of a sentence."""


class CutOff(DownloadError):
    """The body ended early: asking for the rest may help."""


@dataclass(frozen=True)
class Job:
    """One file to be had: from `url` into `path`."""

    url: URL
    path: Path

    @property
    def part(self) -> Path:
        return self.path.with_name(self.path.name + ".part")

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".part.json")


@dataclass(frozen=True)
class Part:
    """What of a file is here: `size` bytes of the version that `validator` names."""

    size: int = 0
    validator: str = ""
    total: int | None = None


# --- what is asked for ---------------------------------------------------------------------------


def read_urls(given: Iterable[str], source: Path | None) -> list[URL]:
    """The URLs of the command line and of a file, a line each; ValueError names what is none."""
    lines = list(given)
    if source is not None:
        text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
        lines += [line for line in map(str.strip, text.splitlines()) if line[:1] not in ("", "#")]
    urls: dict[URL, None] = {}
    for line in lines:
        try:
            url = URL(line)
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"{line!r} is no URL of http or https")
        urls[url.with_fragment(None)] = None
    return list(urls)


def name_of(url: URL) -> str:
    """A file name for a URL: its last segment, without what a file system might misread."""
    last = unquote(url.raw_path.rstrip("/").rpartition("/")[2])
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', "_", last).strip(". ")
    return name.encode("utf-8", "replace")[:180].decode("utf-8", "ignore") or "index"


def make_jobs(urls: Iterable[URL], folder: Path) -> list[Job]:
    """A job for each URL; those that would share a name get a number."""
    taken: set[str] = set()
    jobs = []
    for url in urls:
        path = Path(name_of(url))
        name, number = path.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{path.stem}-{number}{path.suffix}"
        taken |= {name.casefold() + end for end in ("", ".part", ".part.json")}
        jobs.append(Job(url, folder / name))
    return jobs


# --- what is here already ------------------------------------------------------------------------


def find_part(job: Job) -> Part:
    """The part of an earlier run, if it can be gone on with."""
    try:
        note = json.loads(job.note.read_text(encoding="utf-8"))
        size = job.part.stat().st_size
        if note["url"] == str(job.url) and note["validator"]:
            return Part(size, str(note["validator"]), note["total"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return Part()


def write_note(job: Job, part: Part) -> None:
    note = {"url": str(job.url), "validator": part.validator, "total": part.total}
    job.note.write_text(json.dumps(note), encoding="utf-8")


def forget_part(job: Job) -> None:
    job.part.unlink(missing_ok=True)
    job.note.unlink(missing_ok=True)


def validator_of(response: tercel.ClientResponse) -> str:
    """What If-Range may carry: a strong ETag, else a date (RFC 9110 section 13.1.5)."""
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        return etag
    return response.headers.get("Last-Modified", "")


def place_of(response: tercel.ClientResponse) -> tuple[int, int | None]:
    """Where in the file the body begins, and how long the file is; from a 206."""
    field = response.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", field.strip())
    if found is None:
        raise DownloadError(f"the server sent a part and called it {field!r}")
    return int(found[1]), None if found[3] == "*" else int(found[3])


# --- the downloading -----------------------------------------------------------------------------


class Bars:
    """The progress bars: one for each file on its way. Silent where nobody watches."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def say(self, sentence: str) -> None:
        self.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, name: str) -> Iterator[TaskID]:
        task = self.progress.add_task(name[:40].replace("[", "\\["), total=None)
        try:
            yield task
        finally:
            self.progress.remove_task(task)


@asynccontextmanager
async def asking(
    session: tercel.ClientSession, job: Job, part: Part
) -> AsyncIterator[tercel.ClientResponse]:
    """Ask for the file, or for its rest; what fails is told as a DownloadError."""
    headers = dict(IDENTITY)
    if part.size:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
    try:
        async with session.get(job.url, headers=headers) as response:
            yield response
    except tercel.ClientPayloadError as error:
        raise CutOff(f"the connection broke off: {error}") from error
    except tercel.ServerDisconnectedError as error:
        raise CutOff("the server closed the connection without an answer") from error
    except TimeoutError as error:
        raise CutOff("the server was silent for too long") from error
    except tercel.ClientError as error:
        raise DownloadError(str(error) or type(error).__name__) from error


async def fetch(
    session: tercel.ClientSession, job: Job, part: Part, bars: Bars, bar: TaskID
) -> None:
    """Bring the file here, from where `part` ends; DownloadError where that fails."""
    async with asking(session, job, part) as response:
        if response.status == 416:
            forget_part(job)
            raise CutOff("the server has less of the file than is here already")
        if response.status not in (200, 206):
            raise DownloadError(f"the server answered {response.status} {response.reason}")
        if response.status == 206:
            start, total = place_of(response)
            if start != part.size or part.total not in (None, total):
                forget_part(job)
                raise CutOff(f"the server sent another part than that from byte {part.size} on")
        else:
            start, total = 0, response.content_length
            forget_part(job)  # first, lest the note of one version stand beside a part of another
        part = Part(start, validator_of(response), total)
        write_note(job, part)
        bars.progress.update(bar, completed=start, total=total)
        with job.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            async for piece in response.content.iter_chunked(PIECE):
                file.write(piece)
                part = replace(part, size=part.size + len(piece))
                bars.progress.update(bar, completed=part.size)
    check_size(job, part)
    job.part.replace(job.path)
    job.note.unlink(missing_ok=True)


def check_size(job: Job, part: Part) -> None:
    size = job.part.stat().st_size
    if size != part.size or part.total not in (None, size):
        raise CutOff(f"{size} bytes came, the server had announced {part.total}")


async def download(session: tercel.ClientSession, job: Job, bars: Bars, attempts: int) -> None:
    """Download one file, going on where it breaks off; a try that brought bytes isn't counted."""
    with bars.bar(job.path.name) as bar:
        failures = 0
        while True:
            part = find_part(job)
            try:
                return await fetch(session, job, part, bars, bar)
            except CutOff:
                failures = 1 if find_part(job).size > part.size else failures + 1
                if failures >= attempts:
                    raise
                await asyncio.sleep(0.1 * 2 ** min(failures, 6))
            except OSError as error:
                raise DownloadError(f"the file can't be written: {error}") from error


async def download_all(jobs: list[Job], bars: Bars, at_once: int, attempts: int) -> list[str]:
    """Download the files, `at_once` at a time; a sentence for each one that failed."""
    todo = iter(jobs)
    failed: list[str] = []

    async def work(session: tercel.ClientSession) -> None:
        for job in todo:
            if job.path.exists():
                bars.say(f"{job.path} is here already.")
                continue
            try:
                await download(session, job, bars, attempts)
            except DownloadError as error:
                failed.append(f"{job.url}: {error}")
            else:
                bars.say(f"{job.path}, {job.path.stat().st_size} bytes.")

    retry = tercel.RetryMiddleware(attempts, delay=0.2)
    async with tercel.ClientSession(timeout=PATIENCE, middlewares=(retry,)) as session:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(jobs))):
                group.create_task(work(session))
    return failed


# --- the command line ----------------------------------------------------------------------------


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Downloads many files at once.")
    parser.add_argument("urls", nargs="*", metavar="URL")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help="URLs; - is stdin")
    parser.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="here by default")
    parser.add_argument("--at-once", type=positive, default=8, metavar="N", help="8 by default")
    parser.add_argument("--attempts", type=positive, default=5, metavar="N", help="5 by default")
    options = parser.parse_args(arguments)
    try:
        jobs = make_jobs(read_urls(options.urls, options.source), options.to)
        options.to.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if not jobs:
        parser.error("no URL is given")
    bars = Bars(Console(stderr=True))
    try:
        with bars.progress:
            failed = asyncio.run(download_all(jobs, bars, options.at_once, options.attempts))
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    for sentence in failed:
        print(sentence, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
