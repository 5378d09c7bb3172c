"""Changes of the code, as `tercel run --reload` waits for them.

In: folders. Out: an asynchronous iterator of the names of changed files. Only code counts: Python
files and the settings. Templates and static files are read again by those who serve them.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tercel.cli.mistakes import Mistake

__all__ = ("import_watchfiles", "watch")

_CODE = (".py", ".pyi", ".toml", ".yaml", ".yml", ".env", ".ini", ".cfg")
_OTHERS = {".git", ".hg", ".venv", "__pycache__", "node_modules", ".mypy_cache", ".pytest_cache"}


def import_watchfiles() -> Any:
    """The library that watches; Mistake where it is not installed."""
    try:
        import watchfiles
    except ImportError as error:
        raise Mistake("--reload needs watchfiles: pip install 'tercel[cli]'") from error
    return watchfiles


async def watch(folders: list[Path]) -> AsyncIterator[str]:
    """Give the name of a changed file each time that some have changed in `folders`."""
    watchfiles = import_watchfiles()

    def is_code(change: object, path: str) -> bool:
        return Path(path).suffix in _CODE and _OTHERS.isdisjoint(Path(path).parts)

    async for changes in watchfiles.awatch(
        *folders, watch_filter=is_code, debounce=200, step=20, rust_timeout=1000
    ):
        path = Path(sorted(changes, key=lambda each: each[1])[0][1])
        yield str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
