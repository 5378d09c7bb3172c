"""What is wrong with settings: sentences, each with its place.

In: a place, a key, what was expected. Out: one exception that tells all of them. Values of keys
that sound secret are not shown.
"""

import re
from collections.abc import Sequence
from typing import Any

__all__ = ("SettingsError", "name_key", "show_value")

_SECRET = re.compile(r"pass|secret|token|key|credential|dsn", re.IGNORECASE)
_SHOWN = 60  # characters of a value in a sentence


class SettingsError(Exception):
    """Settings that can't be used; `problems` are sentences, `str()` gives one a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


def name_key(path: Sequence[str]) -> str:
    """The dotted name of a key."""
    return ".".join(path)


def show_value(path: Sequence[str], value: Any) -> str:
    """`value` as a sentence shows it."""
    if any(_SECRET.search(part) for part in path):
        return f"a secret {type(value).__name__}"
    shown = repr(str(value)) if isinstance(value, str) else repr(value)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
