"""tercel run: serves an application, in one process or several.

In: `module:attribute` and options, each of which may also stand in a file (`--config`) or in the
environment (`TERCEL_PORT` for `--port`). Out: the application served until SIGINT or SIGTERM, exit
code 0; 2 and one sentence where something named is not there; 1 where the application fails.
"""

import asyncio
import dataclasses
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tercel.cli.certificates import make_context
from tercel.cli.logs import set_up_logs
from tercel.cli.mistakes import Mistake, print_failure
from tercel.cli.settings import Settings, read_file
from tercel.cli.sockets import close_sockets, find_files, open_sockets
from tercel.web.accesslog import AccessLogger

__all__ = ("command",)

Command = TypeVar("Command", bound=Callable[..., Any])
_KNOWN = {field.name for field in dataclasses.fields(Settings)}


def _read_config(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    if value is not None:
        ctx.default_map = {**(ctx.default_map or {}), **read_file(value, _KNOWN)}
    return value


def _option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """An option with its variable: --log-format is TERCEL_LOG_FORMAT."""
    name = names[0].split("/")[0].lstrip("-").replace("-", "_").upper()
    return click.option(*names, envvar=f"TERCEL_{name}", **settings)


@click.command("run", context_settings={"auto_envvar_prefix": None, "show_default": True})
@click.argument("app", envvar="TERCEL_APP", metavar="MODULE:APP")
@click.option(
    "--config",
    "-c",
    envvar="TERCEL_CONFIG",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="Settings in TOML, YAML or JSON; options and TERCEL_* variables win over them.",
)
@_option("--host", "-H", multiple=True, help="Address to listen on; 127.0.0.1 if none is given.")
@_option("--port", "-P", type=click.IntRange(0, 65535), help="8080, or 8443 with TLS; 0: any.")
@_option("--path", "-U", multiple=True, help="Unix socket to listen on.")
@_option("--fd", multiple=True, type=click.IntRange(0), help="Inherited socket to listen on.")
@_option("--cert", help="PEM file with the server's certificate (and its chain): serve TLS.")
@_option("--key", help="PEM file with the certificate's key, if it is not in --cert.")
@_option("--client-ca", help="PEM file with authorities; clients must have a certificate of one.")
@_option("--workers", "-w", type=click.IntRange(1, 1000), default=1, help="Processes that serve.")
@_option("--reload/--no-reload", default=False, help="Begin anew when the code changes.")
@_option("--reload-dir", multiple=True, help="Folder to watch; the application's if none is given.")
@_option("--loop", type=click.Choice(["auto", "asyncio", "uvloop"]), default="auto")
@_option("--access-log/--no-access-log", default=True, help="A line for each answer.")
@_option("--access-log-format", help="What is in such a line; see docs/cli.md.")
@_option("--log-format", type=click.Choice(["text", "json"]), default="text")
@_option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error", "critical"]),
    default="info",
)
@_option("--shutdown-timeout", type=click.FloatRange(0), default=60.0, help="Seconds for handlers.")
@_option("--keepalive-timeout", type=click.FloatRange(0), default=75.0, help="Seconds idle.")
@_option("--backlog", type=click.IntRange(1), default=1024, help="Connections that may wait.")
@_option("--app-dir", default=".", help="Folder that the module is imported from.")
@_option("--debug/--no-debug", default=False, help="Debug mode of the loop and of error pages.")
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> None:
    """Serve MODULE:APP: an application, or a function or coroutine function that makes one."""
    settings = Settings(**values)
    _check(settings)
    set_up_logs(settings)
    sockets = open_sockets(settings)
    files = find_files(settings)
    try:
        ctx.exit(_run(settings, sockets))
    finally:
        close_sockets(sockets, files)


def _check(settings: Settings) -> None:
    """What can be known to fail, before anything is started."""
    make_context(settings)
    if settings.access_log_format is not None:
        try:
            AccessLogger(_NO_LOG, settings.access_log_format)
        except ValueError as error:
            raise Mistake(str(error)) from error
    if (settings.workers > 1 or settings.reload) and sys.platform == "win32":
        raise Mistake("--workers and --reload need a system that hands sockets to processes")
    for name in settings.reload_dir:
        if not Path(name).is_dir():
            raise Mistake(f"--reload-dir: there is no folder {name!r}")


_NO_LOG: Any = None


def _run(settings: Settings, sockets: list[socket.socket]) -> int:
    if settings.reload:
        from tercel.cli.reload import import_watchfiles, watch

        import_watchfiles()
        names = settings.reload_dir or (settings.app_dir,)
        settings = dataclasses.replace(
            settings, shutdown_timeout=min(settings.shutdown_timeout, 1.0)
        )
        changes = watch([Path(name).resolve() for name in names])
        return asyncio.run(_supervise(settings, sockets, changes))
    if settings.workers > 1:
        return asyncio.run(_supervise(settings, sockets, None))
    from tercel.cli.serve import serve

    try:
        serve(settings, sockets, None)
    except Mistake:
        raise
    except Exception as error:
        print_failure(error)
        return 1
    return 0


async def _supervise(settings: Settings, sockets: list[socket.socket], changes: Any) -> int:
    from tercel.cli.workers import Workers

    return await Workers(settings, sockets, changes).run()
