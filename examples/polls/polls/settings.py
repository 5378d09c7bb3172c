"""Settings: from a YAML file to a `Settings` object, or one sentence about what is wrong in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_FILE = PROJECT / "config" / "polls.yaml"
DEFAULT_DATABASE = URL.create("sqlite", database=str(PROJECT / "polls.sqlite3"))
DATABASES = ("sqlite", "postgresql")


class SettingsError(Exception):
    """The settings can't be used; the message is one sentence for the person who wrote them."""


@dataclass(frozen=True)
class Settings:
    """What the application needs to know before it starts."""

    host: str = "127.0.0.1"
    port: int = 8080
    database: URL = DEFAULT_DATABASE
    access_log: bool = True


def is_port(value: object) -> bool:
    """A port to listen on; 0 lets the system choose one. (To Python, true is a number too.)"""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535


def _is_host(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_database(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        return False
    return url.drivername in DATABASES and bool(url.database)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


# For each key: what a value must pass, and how to say so.
RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "host": (_is_host, "a host name or an address, such as 127.0.0.1"),
    "port": (is_port, "a whole number from 0 to 65535"),
    "database": (_is_database, "a URL such as sqlite:///polls.sqlite3 or postgresql://host/name"),
    "access_log": (_is_switch, "true or false"),
}


def load_settings(path: Path) -> Settings:
    """Read and check the file at `path`. SettingsError names the file, the key and what fits."""
    values = _read_mapping(path)
    for key, value in values.items():
        if key not in RULES:
            raise SettingsError(f"{path}: unknown key {key!r}; the keys are {', '.join(RULES)}.")
        is_fit, expectation = RULES[key]
        if not is_fit(value):
            raise SettingsError(f"{path}: {key!r} must be {expectation}, not {value!r}.")
    if "database" in values:
        values["database"] = _place(make_url(values["database"]), path.parent)
    return Settings(**values)


def _read_mapping(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: must be text in UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark is not None else f"{path}"
        reason = getattr(error, "problem", None) or "it can't be parsed"
        raise SettingsError(f"{place}: this is not YAML ({reason}).") from error
    if values is None:  # nothing but comments
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold lines of the form 'key: value'.")
    return values


def _place(url: URL, folder: Path) -> URL:
    """A relative SQLite file lies relative to the settings, wherever the program is started."""
    if url.drivername != "sqlite" or url.database is None:
        return url
    return url.set(database=str((folder / url.database).resolve()))
