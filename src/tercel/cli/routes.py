"""tercel routes: what an application answers to, as a table.

In: `module:attribute`. Out: a line for each route: methods, path, name, handler; those of nested
applications with their prefix or domain. The application is made, and not started.
"""

import asyncio
import functools
import json
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from tercel import web
from tercel.cli.mistakes import Mistake, print_failure
from tercel.cli.target import check_application, check_target, find_target
from tercel.web.run import resolve_app

__all__ = ("Line", "command", "list_routes")

_HEADINGS = ("METHOD", "PATH", "NAME", "HANDLER")


class Line(NamedTuple):
    """One route."""

    method: str
    path: str
    name: str
    handler: str


@click.command("routes")
@click.argument("app", envvar="TERCEL_APP", metavar="MODULE:APP")
@click.option("--app-dir", envvar="TERCEL_APP_DIR", default=".", help="Where the module is.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, /, app: str, app_dir: str, as_json: bool) -> None:
    """Methods, paths, names and handlers of MODULE:APP."""
    try:
        target = check_target(find_target(app, app_dir), app)
        made = check_application(asyncio.run(resolve_app(target)), app)
    except Mistake:
        raise
    except Exception as error:
        print_failure(error)
        ctx.exit(1)
    lines = list(list_routes(made))
    if as_json:
        click.echo(json.dumps([line._asdict() for line in lines], indent=2))
    elif sys.stdout.isatty():
        _print_table(lines)
    else:
        _print_columns(lines)


def list_routes(app: Any, domain: str = "") -> Iterator[Line]:
    """The routes of `app` and of the applications in it, in the order of the router."""
    for resource in app.router.resources():
        info = resource.get_info()
        if "app" in info:
            place = info["rule"].canonical if "rule" in info else domain
            yield from list_routes(info["app"], place)
            continue
        handlers: dict[str, list[str]] = {}
        for route in resource:
            handlers.setdefault(_name_handler(route, resource), []).append(route.method)
        for handler, methods in handlers.items():
            if "GET" in methods and "HEAD" in methods:
                methods.remove("HEAD")  # comes with GET
            path = domain + resource.canonical
            yield Line(",".join(methods), path, resource.name or "", handler)


def _name_handler(route: Any, resource: Any) -> str:
    directory = resource.get_info().get("directory")
    if directory is not None:
        return f"files of {directory}"
    handler = route.handler
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not hasattr(handler, "__qualname__"):
        handler = type(handler)
    kind = " (view)" if isinstance(handler, type) and issubclass(handler, web.View) else ""
    return f"{handler.__module__}.{handler.__qualname__}{kind}"


def _print_columns(lines: list[Line]) -> None:
    rows = [_HEADINGS, *lines]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _print_table(lines: list[Line]) -> None:
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        _print_columns(lines)
        return
    table = Table(*[heading.capitalize() for heading in _HEADINGS], box=None)
    for line in lines:
        styles = ("bold green", "cyan", "magenta", "")
        table.add_row(*[Text(cell, style) for cell, style in zip(line, styles, strict=True)])
    Console().print(table)
