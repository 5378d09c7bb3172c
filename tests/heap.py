"""The protocol tables, run by themselves: `python -m tests.heap` under valgrind (family 48).

It runs the functions of the table tests, with each of their parameters, without pytest's machinery
around them, so that valgrind has to do with the compiled modules and little else. TERCEL_FEW_CUTS
keeps it from cutting every row at every offset. Prints how many cases ran; one that fails, fails.
"""

import importlib
import inspect
import itertools
import sys
from collections.abc import Iterator
from typing import Any

#: Every module here needs no fixture, no event loop and no socket in most of its tests.
TABLES = [
    *(
        f"tests.regressions.test_{name}"
        for name in (
            *("01_length_and_coding", "02_several_lengths", "03_length_digits"),
            *("04_transfer_coding", "05_lone_octets", "06_field_names", "07_chunk_size"),
            *("08_chunk_extension", "09_trailers", "10_limits", "11_targets", "12_host"),
            *("13_versions", "14_method", "15_reason_and_version", "35_websocket_frames"),
        )
    ),
    "tests.wire.test_multipart",
    "tests.wire.test_trailers",
    "tests.wire.ws.test_connection",
    "tests.wire.ws.test_frames",
    "tests.wire.ws.test_mask",
    "tests.net.test_reader",
    "tests.net.test_progress",
]


def expand(function: Any) -> Iterator[dict[str, Any]]:
    """The arguments of each case of a test function."""
    axes = []
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "parametrize":
            names = mark.args[0]
            if isinstance(names, str):
                names = [name.strip() for name in names.split(",")]
            axes.append([_pair(list(names), row) for row in mark.args[1]])
    for rows in itertools.product(*axes):
        yield {name: value for row in rows for name, value in row.items()}


def _pair(names: list[str], row: Any) -> dict[str, Any]:
    values = getattr(row, "values", row) if type(row).__name__ == "ParameterSet" else row
    if len(names) == 1 and type(row).__name__ != "ParameterSet":
        values = (row,)
    return dict(zip(names, values, strict=True))


def main() -> int:
    """Run every case that needs no fixture; returns how many there were."""
    count = 0
    for name in TABLES:
        for label, function in vars(importlib.import_module(name)).items():
            if not label.startswith("test_") or inspect.iscoroutinefunction(function):
                continue
            wanted = set(inspect.signature(function).parameters)
            for case in expand(function):
                if set(case) == wanted:
                    function(**case)
                    count += 1
    return count


if __name__ == "__main__":
    import tercel

    print(f"{main()} cases, compiled: {tercel.COMPILED}")
    sys.stdout.flush()
