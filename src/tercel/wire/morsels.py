"""Morsels made from what was read, past the checks that `http.cookies` has for what is written.

In: name, value, coded value, attributes in lower case. Out: a `Morsel`, which may have a name that
servers do send though no standard allows it. Imported on first use only: `http.cookies` costs time.
"""

from collections.abc import Mapping
from http.cookies import Morsel
from typing import Any

__all__ = ("copy_morsel", "make_morsel")


class _PartitionedMorsel(Morsel[str]):
    """A morsel that knows `Partitioned` on every Python (http.cookies has it from 3.14 on)."""

    _reserved = {**Morsel._reserved, "partitioned": "Partitioned"}  # type: ignore[attr-defined]
    _flags = {*Morsel._flags, "partitioned"}  # type: ignore[attr-defined]


def make_morsel(
    name: str, value: str, coded: str, attributes: Mapping[str, Any] | None = None
) -> "Morsel[str]":
    """A morsel of these; `attributes` are those of `http.cookies`, and `partitioned`."""
    morsel: Morsel[str]
    morsel = _PartitionedMorsel() if attributes and "partitioned" in attributes else Morsel()
    # `set` refuses names such as "path" or "a@b"; a peer may send them all the same.
    morsel.__setstate__({"key": name, "value": value, "coded_value": coded})  # type: ignore[attr-defined]
    if attributes:
        for key, given in attributes.items():
            morsel[key] = given
    return morsel


def copy_morsel(morsel: "Morsel[str]") -> "Morsel[str]":
    """Another morsel with the same name, value and attributes."""
    return make_morsel(
        morsel.key,
        morsel.value,
        morsel.coded_value,
        {key: given for key, given in morsel.items() if given},
    )
