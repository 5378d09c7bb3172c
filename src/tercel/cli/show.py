"""Answers on a terminal: colours, laid-out JSON, a progress bar.

In: what came, and whether standard output is a terminal. Out: text with colours from rich where it
is installed, without where it is not or NO_COLOR is set. What a server sends can't speak to the
terminal: control characters are shown, not obeyed.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ("Screen", "clean")

_KEPT = "\n\t"


def clean(text: str) -> str:
    """`text` with its control characters written out, but for line ends and tabs."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(
        char if char.isprintable() or char in _KEPT else char.encode("unicode_escape").decode()
        for char in text
    )


class Screen:
    """Standard output, and standard error for what is said beside it."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self._console: Any = None
        if self.is_terminal:
            try:
                from rich.console import Console
            except ImportError:
                return
            self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Something of our own, beside the answer."""
        click.echo(click.style(clean(text), dim=True), err=True)

    def show_head(self, response: Any) -> None:
        """Status line and fields."""
        version = response.version
        colour = {2: "green", 3: "cyan", 4: "yellow", 5: "red"}.get(response.status // 100, "white")
        line = f"HTTP/{version.major}.{version.minor} {response.status} {response.reason or ''}"
        click.echo(click.style(clean(line.rstrip()), fg=colour, bold=True))
        for name, value in response.headers.items():
            click.echo(f"{click.style(clean(name), fg='blue')}: {clean(value)}")
        click.echo()

    def show_body(self, data: bytes, kind: str, encoding: str) -> None:
        """A body for people: JSON laid out, text as text, the rest as its size."""
        try:
            text = data.decode(encoding or "utf-8")
        except (UnicodeDecodeError, LookupError):
            self.say(f"({len(data)} octets of {kind}; --output FILE saves them)")
            return
        if kind == "application/json" or kind.endswith("+json"):
            try:
                text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
            except ValueError:
                pass
            else:
                if self._console is not None:
                    from rich.syntax import Syntax

                    plain = Syntax(clean(text), "json", background_color="default", word_wrap=True)
                    self._console.print(plain)
                    return
        click.echo(clean(text), nl=not text.endswith("\n"))

    def show_message(self, text: str) -> None:
        """A message of a WebSocket."""
        click.echo(f"{click.style('<', fg='green')} {clean(text)}" if self.is_terminal else text)
        sys.stdout.flush()

    @contextmanager
    def progress(
        self, name: str, length: int | None, *, show: bool
    ) -> Iterator[Callable[[int], None]]:
        """A function that is told of each piece; a bar on standard error, if it is a terminal."""
        if not show or not sys.stderr.isatty():
            yield lambda count: None
            return
        try:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
        except ImportError:
            bar: Any = click.progressbar(length=length, label=clean(name), file=sys.stderr)
            with bar:
                yield bar.update
            return
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        text = TextColumn("{task.description}", markup=False)
        with Progress(text, *columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(clean(name), total=length)
            yield lambda count: progress.update(task, advance=count)
