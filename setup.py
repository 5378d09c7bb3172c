"""Builds the package: every `.py` under src with a `.pxd` beside it is compiled, or none is.

TERCEL_BUILD=auto (the default) compiles, and falls back to the interpreted package with one warning
where no C compiler works; `require` fails instead; `pure` never compiles. What Cython refuses to
translate is an error of ours and ends every build but `pure`. C files go to build/c, never beside
the source; TERCEL_ANNOTATE=1 puts them with Cython's annotated pages into build/annotate. A build
in place leaves bytecode as an installer does, PYTHONDONTWRITEBYTECODE or not.
Everything else about the package stands in pyproject.toml.
"""

import compileall
import os
import pathlib
import platform
import shutil
import sys
import textwrap
from importlib.machinery import EXTENSION_SUFFIXES

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError, CCompilerError

SOURCE = pathlib.Path("src")
MODULES = sorted(p for p in SOURCE.rglob("*.py") if p.with_suffix(".pxd").exists())

# boundscheck and nonecheck stay on: a wrong index or a missing object raises, it never crashes.
# wraparound stays on: an index from the end means the same in both builds.
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,
    "auto_pickle": False,
    "binding": True,
    "boundscheck": True,
    "cdivision": False,
    "initializedcheck": False,
    "nonecheck": True,
    "wraparound": True,
}
FLAGS = [] if sys.platform == "win32" else ["-O3", "-g0"]


def read_mode() -> str:
    mode = os.environ.get("TERCEL_BUILD", "").strip() or "auto"
    if mode not in ("auto", "pure", "require"):
        raise SystemExit(f"TERCEL_BUILD is {mode!r}; it may be auto, pure or require")
    if mode == "auto" and platform.python_implementation() != "CPython":
        return "pure"
    return mode


def list_extensions() -> list[Extension]:
    extensions = []
    for path in MODULES:
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        extensions.append(Extension(name, [path.as_posix()], extra_compile_args=FLAGS))
    return extensions


def translate(extensions: list[Extension]) -> None:
    """Have Cython write the C files that are missing or old; make them the extensions' sources."""
    try:
        from Cython.Build import cythonize
    except ImportError:
        raise SystemExit("Cython is missing; install it, or set TERCEL_BUILD=pure") from None
    annotate = os.environ.get("TERCEL_ANNOTATE", "") not in ("", "0")
    folder = pathlib.Path("build", "annotate" if annotate else "c")
    remove_older(folder, max(map(os.path.getmtime, ("setup.py", "pyproject.toml"))))
    translated = cythonize(
        extensions,
        annotate=annotate,
        quiet=True,
        build_dir=str(folder),
        compiler_directives=DIRECTIVES,
    )
    sources = {extension.name: extension.sources for extension in translated}
    for extension in extensions:
        extension.sources = sources[extension.name]


def remove_older(folder: pathlib.Path, moment: float) -> None:
    """Delete the C files that were made before the directives or the pin of Cython changed."""
    for path in folder.rglob("*.c"):
        if path.stat().st_mtime < moment:
            path.unlink()


def remove_extensions(modules: list[pathlib.Path]) -> None:
    """Delete the compiled files, of this interpreter, that lie beside `modules`."""
    for path in modules:
        for suffix in EXTENSION_SUFFIXES:
            path.with_name(path.stem + suffix).unlink(missing_ok=True)


def write_bytecode() -> None:
    """Compile the source to the bytecode that Python looks for, where it is older or missing."""
    compileall.compile_dir(SOURCE, quiet=2)


class BuildAll(build):
    """Starts from an empty folder, so that nothing of an earlier build gets into a wheel."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class BuildPython(build_py):
    """For editable builds: writes bytecode, and takes older extensions away where it is `pure`."""

    def run(self) -> None:
        if self.editable_mode:
            write_bytecode()
            if MODE == "pure":
                remove_extensions(MODULES)
        super().run()


class BuildExtensions(build_ext):
    """Builds all extensions or none."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count() or 1

    def run(self) -> None:
        if self.inplace:
            write_bytecode()
        if MODE == "pure":
            remove_extensions(MODULES)
            return
        translate(self.extensions)
        in_place = bool(self.inplace or self.editable_mode)
        try:
            super().run()
        except (BaseError, CCompilerError, OSError) as error:
            self.give_up(error, in_place)

    def build_extensions(self) -> None:
        super().build_extensions()
        missing = [ext.name for ext in self.extensions if not self.is_built(ext)]
        if missing:
            raise CCompilerError(f"the compiler left no file for {', '.join(missing)}")

    def is_built(self, extension: Extension) -> bool:
        return os.path.exists(self.get_ext_fullpath(extension.name))

    def give_up(self, error: Exception, in_place: bool) -> None:
        if MODE == "require":
            raise error
        for extension in self.extensions:
            pathlib.Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
        if in_place:
            remove_extensions(MODULES)
        self.extensions = []
        reason = textwrap.shorten(str(error), 120, placeholder=" ...")
        self.warn(f"no C compiler works, so tercel is interpreted and will be slower ({reason})")


MODE = read_mode()

setup(
    ext_modules=[] if MODE == "pure" else list_extensions(),
    cmdclass={"build": BuildAll, "build_py": BuildPython, "build_ext": BuildExtensions},
)
