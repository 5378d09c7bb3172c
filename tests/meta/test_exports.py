"""`__all__` names what a module offers: present, without doubles, and every name there."""

import ast
import importlib

import pytest

from tests.meta.house import Module, list_modules

# A program, and two modules of nothing but names to be taken one by one.
WITHOUT_EXPORTS = {"tercel.__main__", "tercel.hdrs", "tercel.typedefs"}
WITH_CODE = [
    module
    for module in list_modules()
    if any(not isinstance(node, ast.Expr) for node in module.tree.body)
]


@pytest.mark.parametrize("module", WITH_CODE, ids=lambda module: module.name)
def test_exports_resolve(module: Module) -> None:
    if module.name in WITHOUT_EXPORTS:
        return
    loaded = importlib.import_module(module.name)
    names = getattr(loaded, "__all__", None)
    assert names is not None, f"{module.name} has no __all__"
    assert len(names) == len(set(names)), f"{module.name} names something twice"
    absent = [name for name in names if not hasattr(loaded, name)]
    assert not absent, f"{module.name} promises {absent}"


@pytest.mark.parametrize(
    "module",
    [module for module in list_modules() if module.path.with_suffix(".pyi").exists()],
    ids=lambda module: module.name,
)
def test_lazy_names_are_told_to_type_checkers(module: Module) -> None:
    tree = ast.parse(module.path.with_suffix(".pyi").read_text(encoding="utf-8"))
    told = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            told |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            told.add(node.target.id)
    names = set(importlib.import_module(module.name).__all__)
    assert names <= told, f"the .pyi does not tell {sorted(names - told)}"
