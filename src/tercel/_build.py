"""Which of the two builds runs: the compiled modules, or the same files interpreted.

In: the environment variable TERCEL_PURE and the extension files beside the sources.
Out: COMPILED, and with TERCEL_PURE set a finder that loads the `.py` although an extension lies
beside it. `tercel/__init__.py` imports this module before any other part of the package; it never
imports one itself.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

__all__ = ["COMPILED", "PureFinder"]


class PureFinder:
    """A meta path finder for the submodules of one package that sees source files only.

    `package` is the dotted name, "tercel" by default. Modules outside it are left to other finders.
    """

    def __init__(self, package: str = "tercel") -> None:
        self._prefix = package + "."

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the source file of `fullname`, or None where there is none."""
        if path is None or not fullname.startswith(self._prefix):
            return None
        for folder in path:
            spec = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(fullname)
            if spec is not None and spec.loader is not None:
                return spec
        return None


def _find_extensions() -> bool:
    folder = os.path.join(os.path.dirname(__file__), "wire", "h1")
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(name[name.find(".") :] in EXTENSION_SUFFIXES for name in names)


_pure = os.environ.get("TERCEL_PURE", "") not in ("", "0")
if _pure and not any(isinstance(finder, PureFinder) for finder in sys.meta_path):
    sys.meta_path.insert(0, PureFinder())

COMPILED: bool = not _pure and _find_extensions()
"""True when the compiled modules run. All of them are compiled, or none."""
