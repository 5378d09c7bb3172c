"""From nested dictionaries to dataclasses and msgspec structures, strictly.

In: values, a type, and where each value came from. Out: an object of that type, or sentences: for
every unknown key, every missing value and every wrong type. msgspec converts the single values;
its constraints (`Annotated[int, msgspec.Meta(ge=1)]`) hold.
"""

import dataclasses
import difflib
import json
import re
import types
import typing
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Union

import msgspec
from yarl import URL

from tercel.ext.config.files import KeyPath, Text
from tercel.ext.config.problems import name_key, show_value

__all__ = ("Converter", "Field", "is_structure", "list_fields", "suggest")

_FAILED: Any = object()
_WORDS = {"1": True, "true": True, "yes": True, "on": True}
_WORDS |= {"0": False, "false": False, "no": False, "off": False}
_EXPECTED = re.compile(r"Expected (.+?)(?:, got .*)?(?: - at .*)?$", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting: its attribute, its key in files, its type, whether it has no default."""

    name: str
    key: str
    kind: Any
    required: bool


def is_structure(kind: Any) -> bool:
    """True for dataclasses and msgspec structures."""
    if not isinstance(kind, type):
        return False
    return dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct)


def list_fields(kind: Any) -> list[Field]:
    """The settings that a structure names."""
    hints = typing.get_type_hints(kind, include_extras=True)
    if issubclass(kind, msgspec.Struct):
        return [
            Field(info.name, info.encode_name, hints[info.name], info.required)
            for info in msgspec.structs.fields(kind)
        ]
    missing = dataclasses.MISSING
    return [
        Field(f.name, f.name, hints[f.name], f.default is missing and f.default_factory is missing)
        for f in dataclasses.fields(kind)
        if f.init
    ]


def suggest(name: str, names: list[str]) -> str:
    """What `name` was probably meant to be, as the end of a sentence."""
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(sorted(names))}" if names else ""


class Converter:
    """Converts one tree of values; `problems` are the sentences that it found.

    `place_of` takes the path of a key and says where it stands.
    """

    def __init__(self, place_of: Callable[[KeyPath], str]) -> None:
        self.problems: list[str] = []
        self._place_of = place_of

    def convert(self, value: Any, kind: Any, path: KeyPath = ()) -> Any:
        """`value` as `kind`; something meaningless once there are problems."""
        if typing.get_origin(kind) is typing.Annotated and not self._is_leaf(kind.__origin__):
            return self._check_length(self.convert(value, kind.__origin__, path), kind, path)
        origin = typing.get_origin(kind)
        if origin in (Union, types.UnionType):
            return self._convert_union(value, kind, path)
        if is_structure(kind):
            return self._convert_structure(value, kind, path)
        if origin in (list, tuple, set, frozenset):
            return self._convert_sequence(value, kind, origin, path)
        if origin is dict:
            return self._convert_mapping(value, kind, path)
        return self._convert_leaf(value, kind, path)

    def _is_leaf(self, kind: Any) -> bool:
        return not is_structure(kind) and typing.get_origin(kind) is None

    def _check_length(self, result: Any, kind: Any, path: KeyPath) -> Any:
        """What a `msgspec.Meta` says about the length of a list or mapping."""
        for meta in kind.__metadata__:
            if not isinstance(meta, msgspec.Meta) or not hasattr(result, "__len__"):
                continue
            low, high = meta.min_length or 0, meta.max_length
            if len(result) < low or (high is not None and len(result) > high):
                bounds = f"at least {low}" if high is None else f"{low} to {high}"
                return self._say(path, f"expected {bounds} items, got {len(result)}")
        return result

    def _say(self, path: KeyPath, sentence: str) -> Any:
        key = f"{name_key(path)}: " if path else ""
        self.problems.append(f"{self._place_of(path)}: {key}{sentence}")
        return _FAILED

    def _expect(self, path: KeyPath, expected: str, value: Any) -> Any:
        return self._say(path, f"expected {expected}, got {show_value(path, value)}")

    def _convert_union(self, value: Any, kind: Any, path: KeyPath) -> Any:
        members = typing.get_args(kind)
        others = [member for member in members if member is not type(None)]
        if len(others) < len(members):
            if value is None or (value == "" and isinstance(value, Text) and str not in others):
                return None
        if len(others) == 1:
            return self.convert(value, others[0], path)
        return self._convert_leaf(value, kind, path)

    def _convert_structure(self, value: Any, kind: Any, path: KeyPath) -> Any:
        if not isinstance(value, dict):
            return self._expect(path, "keys and values", value)
        fields = {field.key: field for field in list_fields(kind)}
        values = {}
        before = len(self.problems)
        for key, given in value.items():
            field = fields.get(key)
            if field is None:
                hint = suggest(str(key), list(fields))
                self._say((*path, str(key)), f"unknown{hint}")
            else:
                values[field.name] = self.convert(given, field.kind, (*path, key))
        for field in fields.values():
            if field.required and field.key not in value:
                what = _name_kind(field.kind)
                self._say((*path, field.key), f"missing, expected {what}")
        if len(self.problems) > before:
            return _FAILED
        try:
            return kind(**values)
        except (TypeError, ValueError) as error:  # what its __post_init__ says
            return self._say(path, str(error))

    def _convert_sequence(self, value: Any, kind: Any, origin: Any, path: KeyPath) -> Any:
        if isinstance(value, Text):
            value = _split_list(value)
        if not isinstance(value, list | tuple):
            return self._expect(path, f"a list ({_name_kind(kind)})", value)
        args = typing.get_args(kind)
        if origin is tuple and args[-1] is not Ellipsis:
            if len(args) != len(value):
                return self._expect(path, f"{len(args)} values ({_name_kind(kind)})", value)
        else:
            args = (args[0],) * len(value)
        pairs = enumerate(zip(value, args, strict=True))
        return origin(self.convert(item, arg, (*path, str(n))) for n, (item, arg) in pairs)

    def _convert_mapping(self, value: Any, kind: Any, path: KeyPath) -> Any:
        if isinstance(value, Text):
            value = _parse_json(value)
        if not isinstance(value, dict):
            return self._expect(path, "keys and values", value)
        key_kind, value_kind = typing.get_args(kind)
        return {
            self.convert(key, key_kind, (*path, str(key))): self.convert(
                item, value_kind, (*path, str(key))
            )
            for key, item in value.items()
        }

    def _convert_leaf(self, value: Any, kind: Any, path: KeyPath) -> Any:
        is_text = isinstance(value, Text)
        if kind is bool and is_text:
            found = _WORDS.get(value.lower())
            return self._expect(path, "true or false", value) if found is None else found
        choices = _list_choices(kind)
        if choices:
            for choice, result in choices:
                same_kind = is_text or type(choice) is type(value)
                if value == choice and same_kind or is_text and value == str(choice):
                    return result
            shown = ", ".join(repr(choice) for choice, _ in choices)
            return self._expect(path, f"one of {shown}", value)
        plain: Any = str(value) if is_text else value
        try:
            if kind in (Path, URL):
                return kind(msgspec.convert(plain, str))
            return msgspec.convert(plain, kind, strict=not is_text)
        except msgspec.ValidationError as error:
            found_words = _EXPECTED.match(str(error))
            expected = str(error) if found_words is None else found_words[1].replace("`", "")
            return self._expect(path, expected, value)
        except (TypeError, ValueError) as error:
            return self._say(path, str(error))


def _list_choices(kind: Any) -> list[tuple[Any, Any]]:
    """What a file may say and what it means, for a Literal or an Enum."""
    if typing.get_origin(kind) is typing.Literal:
        return [(choice, choice) for choice in typing.get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [(member.value, member) for member in kind]
    return []


def _name_kind(kind: Any) -> str:
    if is_structure(kind):
        return "keys and values"
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


def _split_list(text: str) -> Any:
    """Items of "a, b", or of a JSON list."""
    if text.lstrip().startswith("["):
        return _parse_json(text)
    return [Text(item.strip()) for item in text.split(",") if item.strip()]


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
