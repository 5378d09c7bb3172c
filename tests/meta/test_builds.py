"""Two builds of one source: all modules compiled or none, and what falls back, falls back whole."""

import importlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, SourceFileLoader

import pytest

from tercel._build import COMPILED
from tests.meta.house import REPOSITORY, SOURCE, list_modules
from tests.stale import find_extension

NAMES = [module.name for module in list_modules() if module.is_compiled]
SUFFIX = EXTENSION_SUFFIXES[0]


def test_some_modules_are_meant_to_be_compiled() -> None:
    assert "tercel.wire.h1.connection" in NAMES


def test_every_extension_is_there_or_none() -> None:
    modules = [module for module in list_modules() if module.is_compiled]
    built = [module.name for module in modules if find_extension(module.path) is not None]
    assert built in ([], NAMES)


def test_no_extension_without_a_source() -> None:
    wanted = {m.path.with_name(m.path.stem + SUFFIX) for m in list_modules() if m.is_compiled}
    assert set(SOURCE.rglob("*" + SUFFIX)) <= wanted


@pytest.mark.parametrize("name", NAMES)
def test_the_build_that_runs_is_the_one_that_is_named(name: str) -> None:
    spec = importlib.import_module(name).__spec__
    assert spec is not None
    assert isinstance(spec.loader, ExtensionFileLoader if COMPILED else SourceFileLoader)


def test_required_build_is_compiled() -> None:
    pure = os.environ.get("TERCEL_PURE", "") not in ("", "0")
    assert COMPILED or pure or os.environ.get("TERCEL_BUILD") != "require"


def test_pure_loads_sources_only() -> None:
    code = (
        "import importlib, sys, tercel\n"
        f"for name in {NAMES!r}:\n"
        "    assert importlib.import_module(name).__file__.endswith('.py'), name\n"
        "assert tercel.COMPILED is False\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TERCEL_PURE": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


Build = Callable[..., subprocess.CompletedProcess[str]]

TOY_PROJECT = """
[project]
name = "tercel"
version = "0"
[tool.setuptools]
package-dir = { "" = "src" }
packages = ["tercel", "tercel.wire", "tercel.wire.h1"]
"""
TOY_MODULE = """
class Counter:
    __slots__ = ("count",)
    def __init__(self):
        self.count = 0
    def add(self, n):
        self.count += n
        return self.count
"""
TOY_DECLARATION = """
cdef class Counter:
    cdef readonly Py_ssize_t count
    cpdef Py_ssize_t add(self, Py_ssize_t n) except? -1
"""


@pytest.fixture
def toy(tmp_path: pathlib.Path) -> pathlib.Path:
    """A package of two compiled modules, with the project's own setup.py and _build.py."""
    pytest.importorskip("Cython")
    shutil.copy(REPOSITORY / "setup.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text(TOY_PROJECT)
    folder = tmp_path / "src" / "tercel" / "wire" / "h1"
    folder.mkdir(parents=True)
    package = folder.parent.parent
    shutil.copy(SOURCE / "tercel" / "_build.py", package)
    (package / "__init__.py").write_text("from tercel._build import COMPILED\n")
    for empty in (folder.parent, folder):
        (empty / "__init__.py").touch()
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text(TOY_MODULE)
        (folder / f"{name}.pxd").write_text(TOY_DECLARATION)
    return tmp_path


def build(toy: pathlib.Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("TERCEL_BUILD", "CC")}
    return subprocess.run(
        [sys.executable, "setup.py", *command],
        cwd=toy,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def extensions_in(toy: pathlib.Path, folder: str = "src") -> list[str]:
    return sorted(path.name.partition(".")[0] for path in (toy / folder).rglob("*" + SUFFIX))


def compiled_says(toy: pathlib.Path) -> str:
    code = (
        "import tercel, tercel.wire.h1.one as one\n"
        "assert one.Counter().add(3) == 3\n"
        "print(tercel.COMPILED, one.__file__.endswith('.py'))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TERCEL_PURE"}
    environment["PYTHONPATH"] = str(toy / "src")
    run = [sys.executable, "-c", code]
    return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout


def require_compiler() -> str:
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    return compiler


def test_compiles_in_place(toy: pathlib.Path) -> None:
    require_compiler()
    run = build(toy, "build_ext", "--inplace", TERCEL_BUILD="require")
    assert run.returncode == 0, run.stderr
    assert extensions_in(toy) == ["one", "two"]
    assert compiled_says(toy) == "True False\n"
    assert not list((toy / "src").rglob("*.c"))
    assert list((toy / "build" / "c").rglob("one.c"))


@pytest.mark.parametrize("mode", ["require", "pure"])
def test_a_build_in_place_leaves_bytecode(toy: pathlib.Path, mode: str) -> None:
    """Compiling the source at every start costs more than importing it."""
    if mode == "require":
        require_compiler()
    variables = {"TERCEL_BUILD": mode, "PYTHONDONTWRITEBYTECODE": "1"}
    run = build(toy, "build_ext", "--inplace", **variables)
    assert run.returncode == 0, run.stderr
    source = toy / "src" / "tercel" / "wire" / "h1" / "one.py"
    assert pathlib.Path(importlib.util.cache_from_source(str(source))).exists()


def test_new_directives_translate_anew(toy: pathlib.Path) -> None:
    require_compiler()
    assert build(toy, "build_ext", "--inplace").returncode == 0
    (translated,) = (toy / "build" / "c").rglob("one.c")
    os.utime(translated, (100, 100))
    assert build(toy, "build_ext", "--inplace").returncode == 0
    assert translated.stat().st_mtime > 100


def test_falls_back_with_one_warning(toy: pathlib.Path) -> None:
    run = build(toy, "build", CC="/bin/false")
    assert run.returncode == 0, run.stderr
    assert (run.stdout + run.stderr).count("no C compiler works") == 1
    assert extensions_in(toy, "build") == []


def test_required_build_fails_without_a_compiler(toy: pathlib.Path) -> None:
    run = build(toy, "build", CC="/bin/false", TERCEL_BUILD="require")
    assert run.returncode != 0


def test_one_failing_module_takes_all_away(toy: pathlib.Path) -> None:
    compiler = require_compiler()
    assert build(toy, "build_ext", "--inplace").returncode == 0
    assert extensions_in(toy) == ["one", "two"]
    picky = toy / "picky"
    picky.write_text(f'#!/bin/sh\ncase "$*" in *two.c*) exit 1;; esac\nexec {compiler} "$@"\n')
    picky.chmod(0o755)
    run = build(toy, "build_ext", "--inplace", "--force", CC=str(picky))
    assert run.returncode == 0, run.stderr
    assert extensions_in(toy) == []
    assert compiled_says(toy) == "False True\n"


def test_silent_compiler_is_noticed(toy: pathlib.Path) -> None:
    run = build(toy, "build_ext", "--inplace", CC="/bin/true", TERCEL_BUILD="require")
    assert run.returncode != 0
    run = build(toy, "build_ext", "--inplace", CC="/bin/true")
    assert run.returncode == 0, run.stderr
    assert extensions_in(toy) == []


@pytest.mark.parametrize("mode", ["auto", "require"])
def test_translation_error_is_fatal(toy: pathlib.Path, mode: str) -> None:
    declaration = toy / "src" / "tercel" / "wire" / "h1" / "two.pxd"
    declaration.write_text("cdef class Counter(Nowhere):\n    pass\n")
    run = build(toy, "build", TERCEL_BUILD=mode, CC="/bin/false")
    assert run.returncode != 0


def test_pure_compiles_nothing(toy: pathlib.Path) -> None:
    run = build(toy, "build", TERCEL_BUILD="pure", CC="/bin/false")
    assert run.returncode == 0, run.stderr
    assert "no C compiler works" not in run.stdout + run.stderr
    assert not (toy / "build" / "c").exists()


def test_pure_takes_the_extensions_beside_the_source_away(toy: pathlib.Path) -> None:
    require_compiler()
    assert build(toy, "build_ext", "--inplace").returncode == 0
    assert build(toy, "build_ext", "--inplace", TERCEL_BUILD="pure").returncode == 0
    assert extensions_in(toy) == []


def test_build_leaves_nothing_of_an_earlier_one(toy: pathlib.Path) -> None:
    require_compiler()
    assert build(toy, "build").returncode == 0
    assert extensions_in(toy, "build") == ["one", "two"]
    assert build(toy, "build", CC="/bin/false").returncode == 0
    assert extensions_in(toy, "build") == []


def test_unknown_mode_is_one_sentence(toy: pathlib.Path) -> None:
    run = build(toy, "build", TERCEL_BUILD="fast")
    assert run.returncode != 0
    assert "TERCEL_BUILD is 'fast'" in run.stderr
    assert "Traceback" not in run.stderr
