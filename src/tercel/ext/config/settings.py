"""Where settings come from: a file, and environment variables over it.

In: a dataclass or msgspec structure, a default file, the command line, the environment. Out: an
object, or a `SettingsError` that names file, line, key and expectation. Nothing is guessed: what
nobody asked for is refused.
"""

import os
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, Union

from tercel.ext.config.files import Document, KeyPath, Text, read_document
from tercel.ext.config.problems import SettingsError
from tercel.ext.config.typed import Converter, Field, is_structure, list_fields, suggest

__all__ = ("find_config_option", "load_settings")

_S = TypeVar("_S")


def load_settings(
    kind: type[_S],
    default: str | Path | None = None,
    *,
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    prefix: str = "",
) -> _S:
    """Make a `kind`, a dataclass or `msgspec.Struct`, from files and environment.

    `default` is the file that is read unless `argv`, such as `sys.argv[1:]`, names another one by
    `--config PATH`; a default file may be absent, another one may not. `prefix`, such as "APP_",
    turns environment variables on: `APP_DATABASE__URL` is `database.url`, and wins over the file;
    one with the prefix that is no setting is refused. `environ` is the process's by default.
    Raises SettingsError with every problem there is, TypeError where `kind` is no such class.
    """
    if not is_structure(kind):
        raise TypeError(f"settings are a dataclass or a msgspec.Struct, got {kind!r}")
    path = None if argv is None else find_config_option(argv)
    if path is not None:
        document = read_document(path)
    elif default is not None and Path(default).exists():
        document = read_document(default)
    else:
        document = Document(f"{default} (absent)" if default is not None else "settings")
    places: dict[KeyPath, str] = {}
    problems = []
    if prefix:
        variables = os.environ if environ is None else environ
        problems = _lay_over(document.values, places, kind, prefix, variables)

    def place_of(key: KeyPath) -> str:
        for length in range(len(key), 0, -1):
            if key[:length] in places:
                return places[key[:length]]
        while key:
            line = document.lines.get(key)
            if line is not None:
                return f"{document.name}, line {line}"
            key = key[:-1]
        return document.name

    converter = Converter(place_of)
    settings = converter.convert(document.values, kind)
    problems += converter.problems
    if problems:
        raise SettingsError(problems)
    return settings  # type: ignore[no-any-return]


def find_config_option(argv: Sequence[str]) -> str | None:
    """The PATH of the last `--config PATH`, `--config=PATH` or `-c PATH`; None without one.

    What else the command line holds is left to others. SettingsError for an option without path.
    """
    found = None
    rest = iter(argv)
    for word in rest:
        if word == "--":
            break
        if word in ("--config", "-c"):
            found = next(rest, "")
        elif word.startswith("--config="):
            found = word.removeprefix("--config=")
        else:
            continue
        if not found:
            raise SettingsError([f"the command line: {word} needs the path of a file"])
    return found


def _lay_over(
    values: dict[str, Any],
    places: dict[KeyPath, str],
    kind: Any,
    prefix: str,
    environ: Mapping[str, str],
) -> list[str]:
    """Put the variables that start with `prefix` into `values`; the sentences about those that
    are no settings.
    """
    problems = []
    for name in sorted(environ):
        if not name.startswith(prefix):
            continue
        place = f"the environment variable {name}"
        path, hint = _find_path(kind, name[len(prefix) :].split("__"))
        if path is None:
            problems.append(f"{place}: no setting has this name{hint}")
            continue
        table = values
        for part in path[:-1]:
            below = table.get(part)
            if not isinstance(below, dict):
                below = table[part] = {}
            table = below
        table[path[-1]] = Text(environ[name])
        places[path] = place
    return problems


def _find_path(kind: Any, parts: Sequence[str]) -> tuple[KeyPath | None, str]:
    """The key that the parts of a variable's name spell, else None and a hint."""
    path: KeyPath = ()
    for part in parts:
        structure = _find_structure(kind)
        if structure is None:
            return None, ""
        fields: dict[str, Field] = {field.key.lower(): field for field in list_fields(structure)}
        field = fields.get(part.lower())
        if field is None:
            return None, suggest(part.upper(), [key.upper() for key in fields])
        path = (*path, field.key)
        kind = field.kind
    if _find_structure(kind) is not None:
        return None, "; its parts have names, after two underscores"
    return path, ""


def _find_structure(kind: Any) -> Any:
    """The structure that `kind` is, or may be besides None."""
    if is_structure(kind):
        return kind
    if typing.get_origin(kind) in (Union, types.UnionType, typing.Annotated):
        return next(filter(is_structure, typing.get_args(kind)), None)
    return None
