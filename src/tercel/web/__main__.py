"""python -m tercel.web: serves an application for development (web_quickstart, CLI).

In: `-H HOST -P PORT [-U PATH] package.module:init_func [arguments]`; `init_func` gets the arguments
that are not the command's own and returns an Application. A mistake is one sentence, exit code 2.
"""

import argparse
import sys
from importlib import import_module
from typing import Any

from tercel.web.run import run_app

__all__ = ("main",)


def main(argv: list[str] | None = None) -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tercel.web", description="Serve a tercel.web Application for development."
    )
    parser.add_argument(
        "entry_func",
        metavar="entry-func",
        help="a callable that returns the application, as package.module:function",
    )
    parser.add_argument("-H", "--hostname", help="host to bind (localhost)")
    parser.add_argument("-P", "--port", type=int, default=8080, help="port to bind (%(default)s)")
    parser.add_argument(
        "-U",
        "--path",
        help="path of a Unix socket to serve on instead, or beside TCP where -H is given",
    )
    options, rest = parser.parse_known_args(argv)
    make = _find_callable(parser, options.entry_func)
    app = make(rest)
    try:
        if options.path is not None and options.hostname is None:
            run_app(app, path=options.path)
        else:
            host = options.hostname or "localhost"
            run_app(app, host=host, port=options.port, path=options.path)
    except OSError as error:
        parser.exit(2, f"{parser.prog}: error: {error.strerror or error}\n")


def _find_callable(parser: argparse.ArgumentParser, text: str) -> Any:
    """What `package.module:function` names; ends the program with a sentence where nothing does."""
    module_name, colon, name = text.partition(":")
    if not colon or not module_name or not name:
        parser.error(f"{text!r} is no entry-func, expected package.module:function")
    if module_name.startswith("."):
        parser.error(f"{module_name!r} is relative, expected an absolute module name")
    sys.path.insert(0, "")
    try:
        module = import_module(module_name)
    except ImportError as error:
        parser.error(f"unable to import {module_name}: {error}")
    found = getattr(module, name, None)
    if not callable(found):
        parser.error(f"module {module_name!r} has no callable {name!r}")
    return found


if __name__ == "__main__":
    main()
