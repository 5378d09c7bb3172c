"""The value of an argument that was not given, where None already means something.

Out: `Unset` and its one member, `sentinel`. `x is sentinel` is the only question asked of it.
"""

from enum import Enum

__all__ = ("Unset", "sentinel")


class Unset(Enum):
    """The type of `sentinel`, so that annotations can name it."""

    sentinel = 1


sentinel = Unset.sentinel
