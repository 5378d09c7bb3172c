"""A folder imports only from folders above it; no cycles, however lazy; wire does no I/O."""

import ast

import pytest

from tests.meta.house import Module, list_modules

# Lower ranks stand higher in the house. Folders of one rank never import each other.
FOLDERS = {
    "wire": 0,
    "net": 1,
    "content": 2,
    "client": 3,
    "web": 3,
    "ext": 4,
    "testing": 4,
    "cli": 5,
}
# The modules beside the folders: constants at the top, what gathers the rooms at the bottom.
BESIDE = {
    "_build": -2,
    "_version": -2,
    "hdrs": -2,
    "typedefs": -1,
    "abc": -0.5,
    "tercel": 3.5,
    "undocumented": 0.5,
    "compat": 4.5,
    "resolver": 3.5,
    "test_utils": 5,
    "pytest_plugin": 5,
    "__main__": 6,
}
NO_IO = {
    "asyncio",
    "socket",
    "ssl",
    "select",
    "selectors",
    "logging",
    "threading",
    "io",
    "os",
}
NO_IO |= {"random", "secrets", "subprocess", "pathlib", "tempfile", "uvloop"}
CLOCKS = {"monotonic", "monotonic_ns", "now", "perf_counter", "sleep", "time_ns", "today", "utcnow"}
VAGUE = {"utils", "util", "helpers", "helper", "base", "common", "misc"}


def place_of(name: str) -> tuple[str, float]:
    """Return the folder or module beside the folders that `name` belongs to, and its rank."""
    parts = name.split(".")
    part = parts[1] if len(parts) > 1 else "tercel"
    rank = FOLDERS.get(part, BESIDE.get(part))
    if rank is None:
        raise AssertionError(f"{name} has no place in the house; name it in {__name__} or move it")
    return part, rank


@pytest.mark.parametrize("module", list_modules(), ids=lambda module: module.name)
def test_imports_only_from_above(module: Module) -> None:
    place, rank = place_of(module.name)
    wrong = []
    for imported in module.own_imports():
        other, other_rank = place_of(imported)
        if other != place and other_rank >= rank:
            wrong.append(imported)
    assert not wrong, f"{module.name} imports {sorted(wrong)}, which do not stand above it"


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the names along one cycle of `graph`, or an empty list."""
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        stack = [(start, iter(sorted(graph[start])))] if start not in done else []
        while stack:
            name, following = stack[-1]
            if name not in trail:
                trail.append(name)
            step = next((other for other in following if other not in done), None)
            if step is None:
                done.add(name)
                trail.pop()
                stack.pop()
            elif step in trail:
                return [*trail[trail.index(step) :], step]
            else:
                stack.append((step, iter(sorted(graph[step]))))
    return []


def test_find_cycle_finds_one() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_cycles() -> None:
    graph = {module.name: module.own_imports() for module in list_modules()}
    cycle = find_cycle(graph)
    assert not cycle, "imports go in a circle: " + " -> ".join(cycle)


WIRE = pytest.mark.parametrize(
    "module",
    [module for module in list_modules() if module.name.startswith("tercel.wire")],
    ids=lambda module: module.name,
)


@WIRE
def test_wire_asks_no_clock(module: Module) -> None:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            assert node.attr not in CLOCKS, f"line {node.lineno}: {text}"
            assert text != "time.time", f"line {node.lineno}: {text}"


@WIRE
def test_wire_does_no_io(module: Module) -> None:
    used = {base.partition(".")[0] for base, _ in module.import_names()}
    assert not used & NO_IO


def test_nothing_imports_cython() -> None:
    for module in list_modules():
        used = {base.partition(".")[0].lower() for base, _ in module.import_names()}
        assert "cython" not in used, f"{module.name} imports cython at run time"


def test_names_say_something() -> None:
    vague = [m.name for m in list_modules() if set(m.name.lower().split(".")) & VAGUE]
    assert not vague


def test_front_rooms_are_imported_by_their_package_alone() -> None:
    for module in list_modules():
        for front, door in (
            ("tercel.client.session", ("tercel.client", "tercel")),
            ("tercel.web.app", ("tercel.web",)),
        ):
            if front in module.own_imports():
                outside = not module.name.startswith(front.rpartition(".")[0] + ".")
                assert module.name in door or outside, f"{module.name} imports {front}"
