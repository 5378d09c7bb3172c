"""Compares HTTP servers in one interleaved run: the server on one core, wrk on the other.

Usage: compare_servers.py [--rounds N] [--seconds S] [--cases a,b] [--servers a,b] [--json FILE]

Prints, for each case and server, the medians of requests per second, CPU microseconds of the
server per request, the 99th percentile in milliseconds, and the ratio of CPU time to aiohttp's
(higher is better). The figure to compare is CPU time per request: it holds on a noisy machine and
where wrk is the bottleneck.

Three more cases are no load: `memory` (KiB of an idle keep-alive connection), `start` (exec to
first answer, milliseconds) and `import` (CPU milliseconds above bare Python).
"""

import argparse
import json
import os
import pathlib
import re
import resource
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
#: Cases of another kind than "one request, one small answer": connections of wrk for each.
CONNECTIONS = {"upload": 8, "static-large": 16}
UPLOAD = 10 * 2**20
CASES |= {
    "static": ("/static/small.bin", None, {}),
    "static-large": ("/static/large.bin", None, {}),
    "stream": ("/stream", None, {}),
    "upload": ("/upload", UPLOAD, {"Content-Type": "application/octet-stream"}),
    "tls": ("/", None, {}),
}
#: What the servers that have no framework can answer.
ANSWERED = {
    "bare": {"hello", "tls", "memory", "start"},
    "nginx": {"hello", "static", "static-large", "tls", "memory", "start"},
    "granian": set(CASES) | {"memory", "start"},
}
MODULES = ("tercel", "tercel.web", "aiohttp", "aiohttp.web", "starlette.applications", "uvicorn")
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; sendfile on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port}{ssl}; default_type text/plain;
    location / {{ return 200 "Hello, World!"; }}
    location /static/ {{ alias {folder}/files/; }}
  }}
}}
"""
NGINX_TLS = " ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem"


def command_of(server, port, folder, tls):
    """The command line that starts `server` on `port`."""
    folder = pathlib.Path(folder)
    cert, key = folder / "cert.pem", folder / "key.pem"
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
            *(["--ssl-certificate", cert, "--ssl-keyfile", key] if tls else []),
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
            *(["--ssl-certfile", cert, "--ssl-keyfile", key] if tls else []),
            "asgi:app",
        ]
    if server == "nginx":
        conf = folder / f"nginx-{port}.conf"
        ssl = NGINX_TLS.format(folder=folder) if tls else ""
        conf.write_text(
            NGINX.format(folder=folder, port=port, ssl=ssl).replace("/pid;", f"/{port};")
        )
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
    if isinstance(body, int):
        lines += ['wrk.method = "POST"', f'wrk.body = string.rep("x", {body})']
    elif body is not None:
        lines += ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}"]
    path = pathlib.Path(folder) / f"{case}.lua"
    path.write_text("\n".join(lines) + "\n")
    return path


def measure(case, port, pid, seconds, folder, load_core):
    """One round: requests per second, CPU microseconds per request, 99th percentile in ms."""
    scheme = "https" if case == "tls" else "http"
    url = f"{scheme}://127.0.0.1:{port}{CASES[case][0]}"
    before = cpu_seconds(pid)
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS.get(case, 64)}",
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
    if "Non-2xx" in out or " 0 requests in" in out or "Socket errors" in out:
        raise SystemExit(f"{case}: wrk reports errors:\n{out}")
    count = int(re.search(r"(\d+) requests in", out)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return rate, spent / count * 1e6, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def prepare(folder):
    """The files that the servers serve, and a certificate."""
    files = pathlib.Path(folder, "files")
    files.mkdir()
    (files / "small.bin").write_bytes(os.urandom(10_000))
    (files / "large.bin").write_bytes(os.urandom(2**20))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1"]
    names = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run([*command, *names], check=True, capture_output=True)


def spawn(server, folder, core, port, tls=False):
    command = [str(part) for part in command_of(server, port, folder, tls)]
    return subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        stdout=subprocess.DEVNULL,
        stderr=pathlib.Path(folder, f"{server}.err").open("ab"),
        start_new_session=True,
        env={
            **os.environ,
            "BENCH_FILES": f"{folder}/files",
            "BENCH_TLS": str(folder) if tls else "",
            "PYTHONDONTWRITEBYTECODE": "",
        },
    )


def start(server, folder, core, tls=False):
    port = free_port()
    process = spawn(server, folder, core, port, tls)
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
    parser.add_argument("--cases", default=",".join([*CASES, "memory", "start", "import"]))
    parser.add_argument("--servers", default="tercel,aiohttp,granian,starlette,bare,nginx")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    for program in ("wrk", "taskset", "openssl"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: install Debian's wrk, util-linux and openssl")
    servers = [
        name for name in options.servers.split(",") if name != "nginx" or shutil.which("nginx")
    ]
    cores = sorted(os.sched_getaffinity(0))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        prepare(folder)
        running = {}
        try:
            for case in options.cases.split(","):
                shown = [name for name in servers if case in ANSWERED.get(name, {case})]
                if case in ("memory", "start", "import"):
                    rows = weigh(case, shown, folder, cores, options.rounds)
                    results[case] = rows
                    show_weights(case, rows)
                    continue
                for server in shown:
                    place = server, case == "tls"
                    if place not in running:
                        running[place] = start(server, folder, cores[0], case == "tls")
                load(case, shown, running, folder, cores[-1], options, results)
                show(case, results[case])
        finally:
            for process, _ in running.values():
                stop(process)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def load(case, shown, running, folder, core, options, results):
    """All rounds of a case, interleaved; one second each to warm up."""
    for number in range(options.rounds + 1):
        for server in shown:
            process, port = running[server, case == "tls"]
            seconds = options.seconds if number else 1
            row = measure(case, port, process.pid, seconds, folder, core)
            if number:
                results.setdefault(case, {}).setdefault(server, []).append(row)


def stop(process):
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def ask(port, timeout=5.0):
    """A connection on which one request was answered; OSError where there is no server yet."""
    connection = socket.create_connection(("127.0.0.1", port), timeout)
    connection.sendall(REQUEST)
    answer = b""
    while b"Hello, World!" not in answer:
        piece = connection.recv(4096)
        if not piece:
            raise ConnectionResetError("the server closed without an answer")
        answer += piece
    return connection


def resident(root):
    """KiB in memory of a process and its descendants, shared pages in part."""
    total = 0
    for pid in family(root):
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])
    return total


def family(root):
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            todo += map(int, (task / "children").read_text().split())
    return found


def weigh(case, servers, folder, cores, rounds):
    """Medians of what a server, or a module, costs without load."""
    rows = {}
    if case == "import":
        for _ in range(rounds + 2):
            bare = import_time(None)
            for module in MODULES:
                rows.setdefault(module, []).append((import_time(module) - bare) * 1000)
    for _ in range(rounds if case != "import" else 0):
        for server in servers:
            rows.setdefault(server, []).append(
                idle_memory(server, folder, cores)
                if case == "memory"
                else first_answer(server, folder, cores)
            )
    return {name: statistics.median(values) for name, values in rows.items()}


def import_time(module):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PYTHON, "-c", f"import {module}" if module else ""], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def idle_memory(server, folder, cores, count=500):
    process, port = start(server, folder, cores[0])
    kept = []
    try:
        kept += [ask(port) for _ in range(50)]  # what grows only once
        before = resident(process.pid)
        kept += [ask(port) for _ in range(count)]
        time.sleep(0.5)
        return (resident(process.pid) - before) / count
    finally:
        for each in kept:
            each.close()
        stop(process)


def first_answer(server, folder, cores):
    port = free_port()
    begun = time.perf_counter()
    process = spawn(server, folder, cores[0], port)
    try:
        while time.perf_counter() - begun < 20:
            try:
                ask(port).close()
                return (time.perf_counter() - begun) * 1000
            except OSError:
                time.sleep(0.001)
        raise SystemExit(f"{server} gave no answer within 20 seconds")
    finally:
        stop(process)


UNITS = {"memory": "KiB a connection", "start": "ms to first answer", "import": "ms CPU"}


def show_weights(case, rows):
    print(f"\n{case:32}{UNITS[case]:>20}")
    for name, value in rows.items():
        print(f"  {name:30}{value:20.1f}", flush=True)


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
