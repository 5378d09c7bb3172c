"""Mistakes of the person at the keyboard: one sentence on standard error, and exit code 2.

In: what went wrong, as an exception. Out: the sentence. Never a traceback.
"""

import click

__all__ = ("Mistake", "sentence_of")


class Mistake(click.ClickException):
    """Ends a command with one sentence. `message` says what came and what was expected."""

    exit_code = 2


def sentence_of(error: BaseException) -> str:
    """What an exception says, on one line; its type's name where it says nothing."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(text.split())
    return line or type(error).__name__
