"""Small on purpose: files, functions and contracts have a size; nothing is left half done."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.meta.house import REPOSITORY, Module, list_modules, list_tracked_files

MAX_FILE = 600  # lines
MAX_FUNCTION = 60  # lines, without signature and docstring
MAX_CONTRACT = 8  # lines of a module's docstring
Function = ast.FunctionDef | ast.AsyncFunctionDef

MODULES = pytest.mark.parametrize("module", list_modules(), ids=lambda module: module.name)


def functions_of(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def code_of(node: Function) -> list[ast.stmt]:
    """The statements of a function after its docstring."""
    return node.body[1:] if ast.get_docstring(node) is not None else node.body


@MODULES
def test_file_is_short(module: Module) -> None:
    assert module.text.count("\n") <= MAX_FILE


@MODULES
def test_functions_are_short(module: Module) -> None:
    long = []
    for node in functions_of(module.tree):
        code = code_of(node)
        if not code:
            continue
        size = (node.end_lineno or node.lineno) - code[0].lineno + 1
        if size > MAX_FUNCTION:
            long.append(f"{node.name} (line {node.lineno}): {size} lines")
    assert not long, "; ".join(long)


@MODULES
def test_module_opens_with_its_contract(module: Module) -> None:
    if not module.text.strip():
        return
    contract = ast.get_docstring(module.tree)
    assert contract, f"{module.name} has no docstring"
    assert contract.count("\n") < MAX_CONTRACT, f"{module.name} says too much"


def is_abstract(node: Function) -> bool:
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
    return bool(marks & {"abstractmethod", "overload"})


@MODULES
def test_no_stubs(module: Module) -> None:
    protocols = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and any("Protocol" in ast.unparse(base) for base in node.bases)
    ]
    for_checkers = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    promised = {id(node) for part in [*protocols, *for_checkers] for node in functions_of(part)}
    stubs = []
    for node in functions_of(module.tree):
        code = code_of(node)
        if is_abstract(node) or id(node) in promised or len(code) != 1:
            continue
        if re.match(r"\.\.\.$|raise NotImplementedError", ast.unparse(code[0])):
            stubs.append(f"{node.name} (line {node.lineno})")
    assert not stubs, f"{module.name}: {stubs}"


# Put together from pieces, so that this file itself does not offend.
NOTES = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
MACHINE = re.compile(
    r"(?<![\w.}])/(?:" + "|".join(("tmp", "work", "root", "home")) + r")/\w"
    "|" + r"\.|".join(("pypi", "pythonhosted", "npmjs")) + r"\.(?:org|com|io)\b"
)
TEXT = {".py", ".pxd", ".toml", ".md", ".in", ".cfg", ".yaml", ".yml", ".html", ".css", ".js", ""}
ROUTES_ALLOWED = re.compile(r"""["'`]/(?:home|work|root)/""")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in list_tracked_files():
        name = path.relative_to(REPOSITORY).as_posix()
        if path.suffix not in TEXT or name == "LICENSE":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


def test_no_notes_of_things_to_do() -> None:
    assert not lines_with(NOTES)


def test_no_machine_paths() -> None:
    assert not [line for line in lines_with(MACHINE) if not ROUTES_ALLOWED.search(line)]


def test_the_patterns_bite() -> None:
    slash = "/"
    for offence in (f'"{slash}tmp/x.sock"', f"{slash}work/main", "see files.python" + "hosted.org"):
        assert MACHINE.search(offence), offence
    for innocent in ("{base}/tmp/x", "http://host/work/1", "tmp_path / 'x'"):
        assert not MACHINE.search(innocent), innocent
    assert NOTES.search("# TO" + "DO: later")
    assert not NOTES.search("METHODO")
