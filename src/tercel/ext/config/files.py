"""Files of settings, as nested dictionaries that remember their lines.

In: a path that ends with .yaml, .yml, .toml, .json, .ini or .cfg. Out: its values, and the line
of each key as far as the format tells. Refuses doubled keys. YAML is read by its safe loader only.
"""

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tercel.ext.config.problems import SettingsError

__all__ = ("Document", "Text", "read_document")

MAX_FILE = 1 << 20  # octets; settings that are longer are something else
KeyPath = tuple[str, ...]


class Text(str):
    """A value whose format knows no types: "8080" may be an int."""

    __slots__ = ()


@dataclass
class Document:
    """What a file says: `values`, and the `lines` of its keys, counted from 1."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)


def read_document(path: str | Path) -> Document:
    """Read a file of settings.

    SettingsError where it can't be read, is not what its name says, or holds a key twice.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise SettingsError([f"{path}: the name of a file of settings ends with one of {known}"])
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE + 1)
    except OSError as error:
        raise SettingsError([f"{path}: can't be read: {error.strerror}"]) from error
    if len(octets) > MAX_FILE:
        raise SettingsError([f"{path}: longer than {MAX_FILE} octets"])
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: not UTF-8: {error.reason}"]) from error
    return reader(str(path), text)


def _fail(name: str, line: int | None, sentence: str) -> SettingsError:
    place = name if line is None else f"{name}, line {line}"
    return SettingsError([f"{place}: {sentence}"])


def _check_table(name: str, values: Any) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise _fail(name, 1, f"expected keys and values, got {type(values).__name__}")
    return values


# YAML


def _read_yaml(name: str, text: str) -> Document:
    import yaml

    try:
        node, values = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = None if mark is None else mark.line + 1
        raise _fail(name, line, f"no valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise _fail(name, None, f"no valid YAML: {error}") from error
    document = Document(name)
    if node is not None:
        _note_nodes(document, node, (), set())
    document.values = _check_table(name, values)
    return document


def _compose(text: str) -> tuple[Any, Any]:
    """The root node of a YAML text, None for an empty one, and what it stands for."""
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _note_nodes(document: Document, node: Any, path: KeyPath, seen: set[int]) -> None:
    """Note the lines of all keys below `node`; what is used twice by an alias, once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "mapping":
        for key, value in node.value:
            below = (*path, str(key.value))
            line = key.start_mark.line + 1
            if below in document.lines and key.value != "<<":
                raise _fail(document.name, line, f"the key {'.'.join(below)} is there twice")
            document.lines[below] = line
            _note_nodes(document, value, below, seen)
    elif node.id == "sequence":
        for number, value in enumerate(node.value):
            below = (*path, str(number))
            document.lines[below] = value.start_mark.line + 1
            _note_nodes(document, value, below, seen)


# JSON


def _read_json(name: str, text: str) -> Document:
    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise _fail(name, None, f"the key {twice} is there twice")
        return values

    try:
        values = json.loads(text, object_pairs_hook=collect) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise _fail(name, error.lineno, f"no valid JSON: {error.msg}") from error
    document = Document(name, _check_table(name, values))
    _note_json_lines(document, text)
    return document


def _note_json_lines(document: Document, text: str) -> None:
    """JSON is YAML too, nearly always, and YAML's reader knows lines."""
    try:
        import yaml

        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _note_nodes(document, node, (), set())
    except (ImportError, ValueError, SettingsError, yaml.YAMLError):
        document.lines.clear()


# TOML and INI


_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*([A-Za-z0-9_."'-]+)\s*[=:]""")


def _note_lines(document: Document, lines: Iterable[str], known: dict[str, Any]) -> None:
    """Note the first line of each key that `known` has, by the look of the lines."""
    section: KeyPath = ()
    for number, line in enumerate(lines, 1):
        found = _HEADER.match(line)
        if found is not None:
            section = _split(found[1])
            document.lines.setdefault(section, number)
            continue
        found = _KEY.match(line)
        if found is None:
            continue
        below = (*section, *_split(found[1]))
        if _is_known(known, below):
            document.lines.setdefault(below, number)


def _split(dotted: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _is_known(values: Any, path: KeyPath) -> bool:
    for part in path:
        if isinstance(values, list) and values:
            values = values[0]
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _read_toml(name: str, text: str) -> Document:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        sentence = str(error) if found is None else str(error).replace(found[0], "")
        at_end = text.count("\n", 0, len(text.rstrip())) + 1
        line = at_end if found is None or found[1] is None else int(found[1])
        raise _fail(name, line, f"no valid TOML: {sentence}") from error
    document = Document(name, values)
    _note_lines(document, text.splitlines(), values)
    return document


_TOP = "\0top"  # the section of the keys that stand before the first one


def _read_ini(name: str, text: str) -> Document:
    parser = configparser.ConfigParser(
        interpolation=None, default_section="\0none", empty_lines_in_values=False
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(f"[{_TOP}]\n{text}")
    except configparser.ParsingError as error:
        line = error.errors[0][0] - 1 if error.errors else None
        raise _fail(name, line, "expected `key = value` or a [section]") from error
    except configparser.DuplicateOptionError as error:
        line = None if error.lineno is None else error.lineno - 1
        raise _fail(name, line, f"the key {error.option} is there twice") from error
    except configparser.DuplicateSectionError as error:
        line = None if error.lineno is None else error.lineno - 1
        raise _fail(name, line, f"the section {error.section} is there twice") from error
    document = Document(name)
    for section in parser.sections():
        place: Any = document.values
        for part in () if section == _TOP else _split(section):
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise _fail(name, None, f"{section} is both a key and a section")
        place.update((key, Text(value)) for key, value in parser.items(section))
    _note_lines(document, text.splitlines(), document.values)
    return document


_READERS: dict[str, Callable[[str, str], Document]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".toml": _read_toml,
    ".json": _read_json,
    ".ini": _read_ini,
    ".cfg": _read_ini,
}
