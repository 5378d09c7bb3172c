"""python -m files [--folder FOLDER] [--host HOST] [--port PORT]: serve a folder of files."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from tercel import web

from .app import make_app
from .shelf import GB, Shelf


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl+C. 0 after a good end, 2 after one sentence about what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m files", description="Serve files.")
    parser.add_argument("--folder", type=Path, default=Path("files-data"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--max-size", type=float, default=4, metavar="GB", help="of one file")
    parser.add_argument("--max-total", type=float, default=20, metavar="GB", help="of all files")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        shelf = Shelf(options.folder, int(options.max_size * GB), int(options.max_total * GB))
        web.run_app(make_app(shelf), host=options.host, port=options.port, access_log=None)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
