"""Family 47: nothing is ever unpickled, and nothing imports what could."""

import ast
from pathlib import Path

import pytest

import tercel

FORBIDDEN = {"pickle", "cPickle", "_pickle", "shelve", "marshal", "dill"}
SOURCES = sorted(Path(tercel.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_module_can_unpickle(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & FORBIDDEN
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in FORBIDDEN
