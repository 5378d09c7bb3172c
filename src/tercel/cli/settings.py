"""What `tercel run` is told: by the command line, by TERCEL_* variables and by a file.

In: a file in TOML, YAML or JSON, whose keys are the long options with or without dashes. Out: a
mapping for click, which lets the command line win over the environment and that over the file; and
`Settings`, checked, which one process hands to another as JSON.
"""

import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tercel.cli.mistakes import Mistake, sentence_of

__all__ = ("Settings", "read_file")

_SUFFIXES = ".toml, .yaml, .yml or .json"


@dataclass(frozen=True)
class Settings:
    """Everything that `tercel run` needs to know. Times are seconds."""

    app: str
    app_dir: str = "."
    host: tuple[str, ...] = ()
    port: int | None = None
    path: tuple[str, ...] = ()
    fd: tuple[int, ...] = ()
    cert: str | None = None
    key: str | None = None
    client_ca: str | None = None
    workers: int = 1
    reload: bool = False
    reload_dir: tuple[str, ...] = ()
    loop: str = "auto"
    access_log: bool = True
    access_log_format: str | None = None
    log_format: str = "text"
    log_level: str = "info"
    shutdown_timeout: float = 60.0
    keepalive_timeout: float = 75.0
    backlog: int = 1024
    debug: bool = False

    def to_json(self) -> str:
        """The settings for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """What `to_json` gave."""
        values: dict[str, Any] = json.loads(text)
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        return cls(**values)


def read_file(path: Path, known: set[str]) -> dict[str, Any]:
    """The settings in the file at `path`, by the names in `known`; Mistake if it can't be used.

    In a pyproject.toml they stand in the table [tool.tercel].
    """
    values = _parse(path)
    if path.name == "pyproject.toml":
        values = values.get("tool", {}).get("tercel", {})
    if not isinstance(values, dict):
        raise Mistake(f"{path}: must hold keys and values, not {type(values).__name__}")
    found = {}
    for key, value in values.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise Mistake(f"{path}: unknown key {key!r}; the keys are {', '.join(sorted(known))}")
        if isinstance(value, dict) or value is None:
            raise Mistake(f"{path}: {key!r} must be a value or a list of values, not {value!r}")
        found[name] = value
    return found


def _parse(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{path}: can't be read: {sentence_of(error)}") from error
    except UnicodeDecodeError as error:
        raise Mistake(f"{path}: must be text in UTF-8") from error
    try:
        if path.suffix == ".toml":
            return tomllib.loads(text)
        if path.suffix == ".json":
            return json.loads(text)
        if path.suffix in (".yaml", ".yml"):
            return _parse_yaml(path, text)
    except ValueError as error:
        raise Mistake(f"{path}: this is not {path.suffix[1:].upper()}: {error}") from error
    raise Mistake(f"{path}: settings are read from files that end in {_SUFFIXES}")


def _parse_yaml(path: Path, text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise Mistake(f"{path}: reading YAML needs PyYAML: pip install pyyaml") from error
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Mistake(f"{path}: this is not YAML: {error}") from error
    return {} if values is None else values
