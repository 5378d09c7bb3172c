"""`python -m tercel.web [-H HOST] [-P PORT] [-U PATH] module:function [arguments ...]`.

Runs the application that the named function makes, as web_quickstart's section on the command line
describes. The function gets a list of the arguments that are not ours and returns an application
or a coroutine of one. What cannot be found is one sentence and exit status 2.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from .run import run_app

__all__ = ["main"]


def _make_parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m tercel.web", description="Run a web application.")
    parser.add_argument(
        "entry",
        metavar="module:function",
        help="a function that takes a list of arguments and returns the application",
    )
    parser.add_argument("-H", "--hostname", help="host to listen on (default: localhost)")
    parser.add_argument("-P", "--port", type=int, help="TCP port to listen on (default: 8080)")
    parser.add_argument("-U", "--path", help="Unix domain socket to listen on; alone or besides -H")
    return parser


def _find_entry(parser: ArgumentParser, entry: str) -> Callable[[list[str]], Any]:
    """Import what `entry` names; ends the program with one sentence when that fails."""
    module_name, colon, name = entry.partition(":")
    if not colon or not module_name or not name:
        parser.error(f"{entry!r} is not of the form module:function")
    if module_name.startswith("."):
        parser.error(f"{module_name!r} is a relative name; an absolute one is needed")
    try:
        module = import_module(module_name)
    except ImportError as error:
        parser.error(f"module {module_name!r} cannot be imported: {error}")
    function = getattr(module, name, None)
    if function is None:
        parser.error(f"module {module_name!r} has no function {name!r}")
    if not callable(function):
        parser.error(f"{entry!r} is a {type(function).__name__}, not a function")
    found: Callable[[list[str]], Any] = function
    return found


def main(argv: Sequence[str]) -> None:
    """Run the application named in `argv` (without the program's name) until a signal ends it."""
    parser = _make_parser()
    options, rest = parser.parse_known_args(argv)
    sys.path.insert(0, "")
    make = _find_entry(parser, options.entry)
    host, path = options.hostname, options.path
    if host is None and path is None:
        host = "localhost"
    run_app(make(rest), host=host, port=options.port, path=path)


if __name__ == "__main__":
    main(sys.argv[1:])
