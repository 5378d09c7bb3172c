"""The `.pxd` beside a `.py` declares what is there, in that order; compiled code is plain."""

import ast
import re
from dataclasses import dataclass, field

import pytest

from tests.meta.house import Module, list_modules

COMPILED = [module for module in list_modules() if module.is_compiled]
TWINS = pytest.mark.parametrize("module", COMPILED, ids=lambda module: module.name)

_CLASS = re.compile(r"cdef\s+class\s+(\w+)\s*(?:\(([\w., ]*)\))?\s*:")
_FUNCTION = re.compile(r"c(?:p)?def\s+(?:inline\s+)?(?:[\w.]+\s+)*?[\s*]*(\w+)\s*\(")
_FIELD = re.compile(r"cdef\s+(?:(public|readonly)\s+)?(.*)")


@dataclass
class Declared:
    """One `cdef class` of a `.pxd`, or the file itself: bases, fields in order, functions."""

    bases: tuple[str, ...] = ()
    fields: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)


def join_lines(text: str) -> list[str]:
    """Return the lines without comments, with what stands in open brackets on one line."""
    lines: list[str] = []
    depth = 0
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].rstrip()
        if not line.strip():
            continue
        if depth:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
    return lines


def parse_declarations(text: str) -> dict[str, Declared]:
    """Return what a `.pxd` declares, by class; the file's own declarations stand under ""."""
    found = {"": Declared()}
    current = ""
    for line in join_lines(text):
        stripped = line.strip()
        if line == stripped:
            current = ""
        opened = _CLASS.match(stripped)
        if opened:
            current = opened[1]
            bases = tuple(b.strip() for b in (opened[2] or "").split(",") if b.strip())
            found[current] = Declared(bases)
        elif stripped.startswith(("@", "from ", "cimport ", "import ", "ctypedef", "pass", '"')):
            continue
        elif (function := _FUNCTION.match(stripped)) and "cdef class" not in stripped:
            found[current].functions.append(function[1])
        elif attribute := _FIELD.match(stripped):
            for part in attribute[2].split(","):
                found[current].fields.append(part.split("=")[0].split()[-1].lstrip("*"))
        elif not stripped.startswith("def "):
            raise AssertionError(f"{stripped!r} is not understood; write it on a line of its own")
    return found


def test_parse_declarations() -> None:
    text = """
from a.b cimport C  # d
cdef object _x
@cython.locals(i=Py_ssize_t,
               p="const char *")
cpdef list parse(bytes block)
cdef class Head(C):
    cdef public bint chunked
    cdef long long a, b
    cdef const unsigned char *p
    cpdef bint find(self, int x=*) except? 1
    cdef Py_ssize_t _go(self) except -1
    cdef _loose(self)
"""
    found = parse_declarations(text)
    assert found[""] == Declared((), ["_x"], ["parse"])
    assert found["Head"] == Declared(("C",), ["chunked", "a", "b", "p"], ["find", "_go", "_loose"])


def slots_of(node: ast.ClassDef) -> list[str] | None:
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else ()
        if any(isinstance(t, ast.Name) and t.id == "__slots__" for t in targets):
            value = ast.literal_eval(statement.value)
            return [value] if isinstance(value, str) else list(value)
    return None


def functions_in(body: list[ast.stmt]) -> set[str]:
    return {n.name for n in body if isinstance(n, ast.FunctionDef)}


def names_in(body: list[ast.stmt]) -> set[str]:
    found = functions_in(body)
    for node in body:
        if isinstance(node, ast.Assign):
            found |= {t.id for t in ast.walk(node) if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.If | ast.Try | ast.For):
            found |= names_in(node.body)
    return found


@TWINS
def test_declarations_match_the_source(module: Module) -> None:
    declared = parse_declarations(module.declaration.read_text(encoding="utf-8"))
    own = declared.pop("")
    body = module.tree.body
    assert not set(own.functions) - functions_in(body), "functions that the .py does not have"
    assert not set(own.fields) - names_in(body), "names that the .py does not have"
    public = [name for name in own.fields if not name.startswith("_")]
    assert not public, f"{public} vanish from the compiled module; nobody could import them"
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    assert not set(declared) - set(classes), "classes that the .py does not have"
    for name, declaration in declared.items():
        node = classes[name]
        slots = slots_of(node)
        assert slots is not None, f"{name} has no __slots__"
        assert slots == declaration.fields, f"{name}: __slots__ and the fields of the .pxd differ"
        bases = tuple(ast.unparse(base) for base in node.bases)
        assert bases == declaration.bases, f"{name} has other bases in the .pxd"
        absent = set(declaration.functions) - functions_in(node.body)
        assert not absent, f"{name} does not have {absent}"


@TWINS
def test_c_integers_do_not_swallow_errors(module: Module) -> None:
    bare = re.compile(
        r"c(?:p)?def\s+(?:inline\s+)?"
        r"(?:bint|int|long|unsigned|char|short|float|double|Py_ssize_t|size_t|void)\b"
    )
    for line in join_lines(module.declaration.read_text(encoding="utf-8")):
        stripped = line.strip()
        if bare.match(stripped) and _FUNCTION.match(stripped):
            assert re.search(r"\)\s*(except|noexcept)", stripped), f"{stripped}: says no except"
            assert "noexcept" not in stripped or "object" not in stripped, stripped


@TWINS
def test_compiled_code_is_plain(module: Module) -> None:
    wrong = []
    for node in ast.walk(module.tree):
        what = None
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            what = "a coroutine"
        elif isinstance(node, ast.Yield | ast.YieldFrom | ast.GeneratorExp):
            what = "a generator"
        elif isinstance(node, ast.Lambda):
            what = "a lambda"
        elif isinstance(node, ast.FunctionDef):
            if node.args.kwarg is not None:
                what = "**kwargs"
            elif any(
                isinstance(inner, ast.FunctionDef) and inner is not node for inner in ast.walk(node)
            ):
                what = "a closure"
        if what is not None:
            wrong.append(f"line {node.lineno}: {what}")
    assert not wrong, f"{module.name} is compiled and has {wrong}"
