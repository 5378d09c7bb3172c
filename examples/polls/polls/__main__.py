"""python -m polls [--config FILE] [--host HOST] [--port PORT]: serve the application."""

import argparse
import errno
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tercel import web

from .app import make_app
from .db import DatabaseError
from .settings import DEFAULT_FILE, Settings, SettingsError, is_port, load_settings


def parse_port(text: str) -> int:
    if not (text.isdecimal() and is_port(int(text))):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 65535, not {text!r}")
    return int(text)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m polls", description="Serve the polls.")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, metavar="FILE")
    parser.add_argument("--host", help="wins over the settings")
    parser.add_argument("--port", type=parse_port, help="wins over the settings")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl+C. 0 after a good end, 2 after one sentence about what is wrong."""
    options = parse_arguments(arguments)
    chosen = {"host": options.host, "port": options.port}
    try:
        settings = load_settings(options.config)
        settings = replace(settings, **{k: v for k, v in chosen.items() if v is not None})
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        access_log = logging.getLogger("polls.access") if settings.access_log else None
        web.run_app(
            make_app(settings),
            host=settings.host,
            port=settings.port,
            access_log=access_log,
            access_log_format='%a "%r" %s',
        )
    except (SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(explain(error, settings), file=sys.stderr)
        return 2
    return 0


def explain(error: OSError, settings: Settings) -> str:
    """Why the application can't be served there, in one sentence."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} on {settings.host} is taken by another program; "
            "please choose another port."
        )
    reason = error.strerror or str(error)
    return f"{reason[:1].upper()}{reason[1:]}."


if __name__ == "__main__":
    sys.exit(main())
