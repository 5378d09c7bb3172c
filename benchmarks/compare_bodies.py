"""Compares what servers do with bodies, in one interleaved run: uploads, forms, gzip.

Usage: compare_bodies.py [--rounds N] [--seconds S] [--cases a,b] [--servers a,b]

`upload` reads a multipart form with a file of 10 MiB, `form` six urlencoded fields, `gzip` answers
100 KB of JSON compressed. The server has one core, wrk the other; as in compare_servers.py the
figure to compare is CPU time per request, and the ratio is to aiohttp's.
"""

import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from compare_servers import FORM, cpu_seconds, free_port, show

BODIES = pathlib.Path(__file__).resolve().parent / "bodies"
#: For each case the connections that ask at once, and the script for wrk.
CASES = {
    "upload": (
        4,
        """
        local file = string.rep(string.rep("0123456789abcdef", 63) .. "\\r\\n--some text\\n", 10240)
        wrk.method, wrk.path = "POST", "/upload"
        wrk.headers["Content-Type"] = "multipart/form-data; boundary=----WebKitFormBoundary0123456"
        wrk.body = "------WebKitFormBoundary0123456\\r\\nContent-Disposition: form-data; "
            .. 'name="file"; filename="a.bin"\\r\\nContent-Type: application/octet-stream'
            .. "\\r\\n\\r\\n" .. file .. "\\r\\n------WebKitFormBoundary0123456--\\r\\n"
        """,
    ),
    "form": (
        64,
        f"""
        wrk.method, wrk.path = "POST", "/form"
        wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
        wrk.body = "{FORM}"
        """,
    ),
    "gzip": (
        16,
        """
        wrk.path = "/items"
        wrk.headers["Accept-Encoding"] = "gzip"
        """,
    ),
}


def start(server, core):
    port = free_port()
    command = [sys.executable, str(BODIES / "framework.py"), server, str(port)]
    if server == "starlette":
        command = [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        command += ["--log-level", "error", "--app-dir", str(BODIES), "asgi:app"]
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # wrk leaves in mid-body, which some complain of at length
        start_new_session=True,
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
            return process, port
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"{server} ended before it listened") from None
            time.sleep(0.05)
    raise SystemExit(f"{server} did not listen within 10 seconds")


def measure(case, port, pid, seconds, folder, core):
    """One round: requests per second, CPU microseconds per request, 99th percentile in ms."""
    connections, script = CASES[case]
    path = pathlib.Path(folder) / f"{case}.lua"
    path.write_text(script)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(path)]
    before = cpu_seconds(pid)
    out = subprocess.run(
        ["taskset", "-c", str(core), *command, f"http://127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    spent = cpu_seconds(pid) - before
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"{case}: wrk reports errors:\n{out}")
    count = int(re.search(r"(\d+) requests in", out)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return rate, spent / count * 1e6, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--servers", default="tercel,aiohttp,starlette")
    options = parser.parse_args()
    servers = options.servers.split(",")
    cores = sorted(os.sched_getaffinity(0))
    running = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for server in servers:
                running[server] = start(server, cores[0])
            for case in options.cases.split(","):
                rows = {server: [] for server in servers}
                for turn in range(options.rounds + 1):
                    for server in servers:
                        process, port = running[server]
                        seconds = options.seconds if turn else 1
                        row = measure(case, port, process.pid, seconds, folder, cores[-1])
                        if turn:
                            rows[server].append(row)
                show(case, rows)
        finally:
            for process, _ in running.values():
                os.killpg(process.pid, signal.SIGTERM)
            for process, _ in running.values():
                process.wait(10)


if __name__ == "__main__":
    main()
