"""python -m chat [--host HOST] [--port PORT] [--redis URL [--workers N]]: serve the chat."""

import argparse
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence

from tercel import web

from .app import make_app
from .board import Board, BoardError


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chat", description="Serve the chat.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--redis", metavar="URL", help="such as redis://localhost:6379/0")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes; needs --redis"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.workers > 1 and not (options.redis and options.port):
        parser.error("several workers need --redis, to hear of each other, and a --port they share")
    return options


def serve(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    board: Board | None = None
    if options.redis:
        from .redis_board import RedisBoard

        board = RedisBoard(options.redis)
    try:
        web.run_app(
            make_app(board),
            host=options.host,
            port=options.port,
            reuse_port=options.worker or None,
            access_log=None,
        )
    except (BoardError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def supervise(options: argparse.Namespace) -> int:
    """Several processes on one port; they end together."""
    command = [sys.executable, "-m", "chat", "--worker", "--redis", options.redis]
    command += ["--host", options.host, "--port", str(options.port)]
    workers = [subprocess.Popen(command) for _ in range(options.workers)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        return max(worker.wait() for worker in workers)
    except KeyboardInterrupt:
        return 0
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl+C. 0 after a good end, 2 after one sentence about what is wrong."""
    options = parse_arguments(arguments)
    return supervise(options) if options.workers > 1 else serve(options)


if __name__ == "__main__":
    sys.exit(main())
