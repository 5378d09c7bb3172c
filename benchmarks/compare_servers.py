"""Compares HTTP servers in one interleaved run: the server on one core, wrk on the other.

Usage: compare_servers.py [--rounds N] [--seconds S] [--cases a,b] [--servers a,b] [--json FILE]

Prints, for each case and server, the medians of requests per second, CPU microseconds of the
server per request, the 99th percentile in milliseconds, and the ratio of CPU time to aiohttp's
(higher is better). The figure to compare is CPU time per request: it holds on a noisy machine and
where wrk is the bottleneck.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = sys.executable
TICK = os.sysconf("SC_CLK_TCK")

BODY = json.dumps({"items": [{"id": n, "name": f"name {n}", "price": n / 4} for n in range(23)]})
FORM = "name=falcon&kind=tercel&weight=650&wings=2&colour=slate+grey&note=fast%20and%20small"
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Authorization": "Bearer 0123456789abcdef",
    "Referer": "http://127.0.0.1/some/page",
    "Cookie": "session=0123456789abcdef0123456789abcdef",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Cache-Control": "max-age=0",
}
CASES = {
    "hello": ("/", None, {}),
    "json": ("/json", BODY, {"Content-Type": "application/json"}),
    "headers": ("/items/42", None, HEADERS),
    "form": ("/form", FORM, {"Content-Type": "application/x-www-form-urlencoded"}),
}
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port}; default_type text/plain;
    location / {{ return 200 "Hello, World!"; }}
  }}
}}
"""


def command_of(server, port, folder):
    """The command line that starts `server` on `port`."""
    servers = HERE / "servers"
    if server in ("tercel", "aiohttp"):
        return [PYTHON, servers / "framework.py", server, port]
    if server == "tercel-signal":
        return [PYTHON, servers / "framework.py", "tercel", port, "signal"]
    if server == "aiohttp-signal":
        return [PYTHON, servers / "framework.py", "aiohttp", port, "signal"]
    if server == "bare":
        return [PYTHON, servers / "bare.py", port]
    if server == "granian":
        return [
            PYTHON,
            "-m",
            "granian",
            "--interface",
            "rsgi",
            "--host",
            "127.0.0.1",
            "--port",
            port,
            "--workers",
            "1",
            "--no-access-log",
            "--log-level",
            "error",
            "--loop",
            "uvloop",
            "--working-dir",
            servers,
            "rsgi:app",
        ]
    if server == "starlette":
        return [
            PYTHON,
            "-m",
            "uvicorn",
            "--host",
            "127.0.0.1",
            "--port",
            port,
            "--loop",
            "uvloop",
            "--http",
            "httptools",
            "--no-access-log",
            "--log-level",
            "error",
            "--app-dir",
            servers,
            "asgi:app",
        ]
    if server == "nginx":
        conf = pathlib.Path(folder) / "nginx.conf"
        conf.write_text(NGINX.format(folder=folder, port=port))
        return ["nginx", "-c", conf]
    raise SystemExit(f"unknown server {server!r}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(root):
    """CPU time of a process and its descendants, in seconds."""
    children = {}
    times = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            times[int(entry.name)] = (int(fields[11]) + int(fields[12])) / TICK
    total, todo = 0.0, [root]
    while todo:
        pid = todo.pop()
        total += times.get(pid, 0.0)
        todo += children.get(pid, [])
    return total


def lua_for(case, folder):
    """A wrk script for the case."""
    _, body, headers = CASES[case]
    lines = [f'wrk.headers["{name}"] = {json.dumps(value)}' for name, value in headers.items()]
    if body is not None:
        lines += ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}"]
    path = pathlib.Path(folder) / f"{case}.lua"
    path.write_text("\n".join(lines) + "\n")
    return path


def measure(case, port, pid, seconds, folder, load_core):
    """One round: requests per second, CPU microseconds per request, 99th percentile in ms."""
    url = f"http://127.0.0.1:{port}{CASES[case][0]}"
    before = cpu_seconds(pid)
    command = [
        "wrk",
        "-t1",
        "-c64",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(lua_for(case, folder)),
        url,
    ]
    out = subprocess.run(
        ["taskset", "-c", str(load_core), *command], capture_output=True, text=True, check=True
    ).stdout
    spent = cpu_seconds(pid) - before
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"{case}: wrk reports errors:\n{out}")
    count = int(re.search(r"(\d+) requests in", out)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return rate, spent / count * 1e6, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def start(server, folder, core):
    port = free_port()
    command = [str(part) for part in command_of(server, port, folder)]
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command], stdout=subprocess.DEVNULL, start_new_session=True
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--servers", default="tercel,aiohttp,granian,starlette,bare,nginx")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: install Debian's packages wrk and util-linux")
    servers = [
        name for name in options.servers.split(",") if name != "nginx" or shutil.which("nginx")
    ]
    cores = sorted(os.sched_getaffinity(0))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        running = {}
        try:
            for server in servers:
                running[server] = start(server, folder, cores[0])
            for case in options.cases.split(","):
                shown = [s for s in servers if case == "hello" or s not in ("bare", "nginx")]
                for server in shown:
                    process, port = running[server]
                    measure(case, port, process.pid, 1, folder, cores[-1])
                for _ in range(options.rounds):
                    for server in shown:
                        process, port = running[server]
                        row = measure(case, port, process.pid, options.seconds, folder, cores[-1])
                        results.setdefault(case, {}).setdefault(server, []).append(row)
                show(case, results[case])
        finally:
            for process, _ in running.values():
                os.killpg(process.pid, signal.SIGTERM)
            for process, _ in running.values():
                process.wait(10)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def show(case, rows):
    medians = {
        server: tuple(statistics.median(column) for column in zip(*values, strict=True))
        for server, values in rows.items()
    }
    base = medians.get("aiohttp", next(iter(medians.values())))
    print(
        f"\n{case:24}{'req/s':>10}{'us CPU/req':>12}{'p99 ms':>9}{'CPU ratio':>11}"
        f"{'req/s ratio':>13}"
    )
    for server, (rate, cpu, tail) in medians.items():
        print(
            f"  {server:22}{rate:10.0f}{cpu:12.2f}{tail:9.2f}{base[1] / cpu:11.2f}"
            f"{rate / base[0]:13.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
