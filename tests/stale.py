"""Finds compiled modules that are older than what they were compiled from.

That is the `.py`, the `.pxd` beside it, and every `.pxd` that one cimports, however far away.
"""

import pathlib
import re
from importlib.machinery import EXTENSION_SUFFIXES

__all__ = ["find_cimports", "find_compiled", "find_stale_extensions"]

_CIMPORT = re.compile(
    r"^\s*(?:from\s+(?P<origin>[\w.]+)\s+cimport\s+(?P<names>\(?[\w, \t*]+)"
    r"|cimport\s+(?P<module>[\w.]+))",
    re.MULTILINE,
)


def find_compiled(source: pathlib.Path) -> list[pathlib.Path]:
    """Return the `.py` of every module under `source` that has a `.pxd` beside it, sorted."""
    return sorted(
        p.with_suffix(".py") for p in source.rglob("*.pxd") if p.with_suffix(".py").exists()
    )


def find_extension(module: pathlib.Path) -> pathlib.Path | None:
    """Return the extension of this interpreter beside the `.py` file `module`, or None."""
    for suffix in EXTENSION_SUFFIXES:
        candidate = module.with_name(module.stem + suffix)
        if candidate.exists():
            return candidate
    return None


def find_cimports(source: pathlib.Path, declaration: pathlib.Path) -> set[pathlib.Path]:
    """Return the `.pxd` files under `source` that the file `declaration` cimports."""
    package = list(declaration.relative_to(source).parent.parts)
    found = set()
    for match in _CIMPORT.finditer(declaration.read_text()):
        dotted = match["origin"] or match["module"]
        name = dotted.lstrip(".")
        level = len(dotted) - len(name)
        start = package[: len(package) - level + 1] if level else []
        stem = source.joinpath(*start, *filter(None, name.split(".")))
        candidates = [stem.with_suffix(".pxd")]
        for part in re.findall(r"\w+", match["names"] or ""):
            candidates.append(stem / f"{part}.pxd")
        found.update(path for path in candidates if path.exists())
    return found


def find_stale_extensions(source: pathlib.Path) -> list[pathlib.Path]:
    """Return the extensions under `source` that are older than any of their inputs."""
    stale = []
    for module in find_compiled(source):
        extension = find_extension(module)
        if extension is None:
            continue
        inputs, waiting = {module}, [module.with_suffix(".pxd")]
        while waiting:
            declaration = waiting.pop()
            if declaration not in inputs:
                inputs.add(declaration)
                waiting.extend(find_cimports(source, declaration))
        if extension.stat().st_mtime < max(path.stat().st_mtime for path in inputs):
            stale.append(extension)
    return stale
