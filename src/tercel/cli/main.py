"""The command `tercel`: finds the subcommand, and turns every mistake into one sentence.

In: arguments. Out: the exit code; 2 for a mistake. A subcommand is a `click.Command` named
`command` in a module of its own here, with a line in `COMMANDS`; it is imported when it is asked
for, so that `tercel info` pays for nothing else.
"""

import importlib
import sys
from collections.abc import Sequence

import click

from tercel._version import __version__

__all__ = ("COMMANDS", "main")

#: Name: (module, line of help). A module holds its click command under the name `command`.
COMMANDS = {
    "run": ("tercel.cli.run", "Serve an application."),
    "compat": ("tercel.cli.compat", "Run a program that imports aiohttp, on Tercel."),
    "routes": ("tercel.cli.routes", "What an application answers to."),
    "fetch": ("tercel.cli.fetch", "Ask a URL, or talk to a WebSocket."),
    "new": ("tercel.cli.new", "Begin a project."),
    "info": ("tercel.cli.info", "Versions, the build, and which codings are there."),
}

#: Click's names of types, and plain words for them.
_WORDS = {
    "a valid integer range": "a whole number",
    "a valid float range": "a number",
    "a valid integer": "a whole number",
}


class Commands(click.Group):
    """The subcommands of `COMMANDS`, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table itself, so that no module is imported for its line."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="tercel %(version)s")
def tercel() -> None:
    """HTTP for asyncio: serve, look at, ask and begin web applications."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (of the process by default) ask for; its exit code."""
    # A script has its own folder first on sys.path, a module the current one.
    name = "python -m tercel" if sys.argv[0].endswith("__main__.py") else "tercel"
    try:
        code = tercel.main(arguments, prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.message, err=True)
        return 2
    except click.ClickException as error:
        click.echo(f"{_path_of(error) or name}: {_explain(error)}", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    return code if isinstance(code, int) else 0


def _path_of(error: click.ClickException) -> str:
    """The command that met the error, as it was typed."""
    context = getattr(error, "ctx", None)
    return "" if context is None else context.command_path


def _explain(error: click.ClickException) -> str:
    """One sentence; it says where a value stood that was not on the command line."""
    line = " ".join(error.format_message().split())
    for wrong, plain in _WORDS.items():
        line = line.replace(wrong, plain)
    param = getattr(error, "param", None)
    context = getattr(error, "ctx", None)
    if param is None or context is None:
        return line
    source = context.get_parameter_source(param.name)
    if source is click.core.ParameterSource.DEFAULT_MAP:
        return f"{line.removesuffix('.')} (in the file of --config)"
    if source is click.core.ParameterSource.ENVIRONMENT:
        return f"{line.removesuffix('.')} (in {param.envvar})"
    return line
