"""tercel compat: runs a program that was written for aiohttp, on Tercel.

In: a script, or -m and a module, and its arguments. Out: what the program does; its exit code.
Every `import aiohttp` in it gives Tercel (see `tercel.compat`).
"""

import importlib.util
import sys
from pathlib import Path

import click

from tercel.cli.mistakes import Mistake

__all__ = ("command",)


@click.command(
    "compat",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[SCRIPT] [ARGUMENTS]...")
def command(module: str | None, arguments: tuple[str, ...]) -> None:
    """Run a program that imports aiohttp, on Tercel.

    SCRIPT is a Python file, or a folder or archive with a __main__.py.
    """
    from tercel import compat

    try:
        compat.install()
    except RuntimeError as error:
        raise Mistake(str(error)) from None
    if module is not None:
        if not _is_there(module):
            raise Mistake(f"there is no module {module!r}")
        compat.run_module(module, arguments)
        return
    if not arguments:
        raise Mistake("nothing is to be run, expected a script, or -m and a module")
    script, *rest = arguments
    if not Path(script).exists():
        raise Mistake(f"there is no file {script!r}")
    compat.run_script(script, rest)


def _is_there(module: str) -> bool:
    if sys.path[:1] != [""]:
        sys.path.insert(0, "")
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
