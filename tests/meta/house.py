"""What the rules of the house are checked against: the parsed modules and their imports."""

import ast
import functools
import pathlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tests.stale import find_cimports

__all__ = ["REPOSITORY", "SOURCE", "Module", "list_modules", "list_tracked_files"]

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCE = REPOSITORY / "src"


@dataclass(frozen=True)
class Module:
    """One `.py` file under src: its dotted name, its path, its text and its syntax tree."""

    name: str
    path: pathlib.Path
    text: str
    tree: ast.Module

    @property
    def declaration(self) -> pathlib.Path:
        """The `.pxd` beside it, which may not exist."""
        return self.path.with_suffix(".pxd")

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def is_compiled(self) -> bool:
        return self.declaration.exists()

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def import_names(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield (module, names taken from it) of each import statement, wherever it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, ()
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = self.package.split(".")
                    start = ".".join(parts[: len(parts) - node.level + 1])
                    base = f"{start}.{base}" if base else start
                yield base, tuple(alias.name for alias in node.names)

    def own_imports(self) -> set[str]:
        """Return the names of our modules that this one imports or cimports."""
        known = {name for name, _ in _walk_source()}
        found = set()
        for base, names in self.import_names():
            submodules = {f"{base}.{name}" for name in names} & known
            found |= submodules
            if base in known and (not names or len(submodules) < len(names)):
                found.add(base)
        if self.is_compiled:
            found |= {_name_of(path) for path in find_cimports(SOURCE, self.declaration)}
        return found - {self.name}


def _name_of(path: pathlib.Path) -> str:
    parts = list(path.relative_to(SOURCE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


@functools.cache
def _walk_source() -> tuple[tuple[str, pathlib.Path], ...]:
    return tuple(sorted((_name_of(path), path) for path in SOURCE.rglob("*.py")))


@functools.cache
def list_modules() -> tuple[Module, ...]:
    """Return every module under src, sorted by name."""
    modules = []
    for name, path in _walk_source():
        text = path.read_text(encoding="utf-8")
        modules.append(Module(name, path, text, ast.parse(text, str(path))))
    return tuple(modules)


def list_tracked_files() -> list[pathlib.Path]:
    """Return the files that git tracks and that exist; all files of a tree without git."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        folders = [REPOSITORY / name for name in ("src", "tests", "examples", "docs")]
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    paths = [REPOSITORY / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file()]
