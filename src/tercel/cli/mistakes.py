"""Mistakes of the person at the keyboard: one sentence on standard error, and exit code 2.

In: what went wrong, as an exception. Out: the sentence. What the application itself raises keeps
its traceback, without the frames that lead from the command to it.
"""

import sys
import traceback
from pathlib import Path

import click

__all__ = ("Mistake", "print_failure", "sentence_of")

_OURS = str(Path(__file__).resolve().parent.parent)


class Mistake(click.ClickException):
    """Ends a command with one sentence. `message` says what came and what was expected."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.ctx = click.get_current_context(silent=True)


def sentence_of(error: BaseException) -> str:
    """What an exception says, on one line; its type's name where it says nothing."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(text.split())
    return line or type(error).__name__


def print_failure(error: BaseException) -> None:
    """The traceback of what the application raised, beginning with its own first frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith((_OURS, "<frozen", "uvloop")) and "importlib" not in name:
            break
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace, file=sys.stderr)
