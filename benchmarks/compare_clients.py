"""Compares HTTP clients in one interleaved run: the client on one core, nginx on the other.

Usage: compare_clients.py [--rounds N] [--seconds S] [--cases a,b] [--clients a,b] [--json FILE]

Prints, for each case and client, the medians of requests per second and of CPU microseconds of
the client's process (all of its threads) per request, and the ratios to aiohttp (higher is
better). The figure to compare is CPU time per request: it holds on a noisy machine. A client that
is not installed, or gives a wrong answer, is left out with a note. In the case get-1 nginx shares
the client's core: no time is lost in waking the other one.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = ("tercel", "aiohttp", "pyreqwest", "rnet", "httpx", "niquests", "bare")
#: scheme, path, requests at once
CASES = {
    "get-1": ("http", "/small", 1),
    "get-64": ("http", "/small", 64),
    "json": ("http", "/body", 64),
    "download": ("http", "/mib", 1),
    "upload": ("http", "/body", 1),
    "tls-64": ("https", "/small", 64),
}
# A location that proxies reads the whole body before it asks: of itself, without the body.
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
  client_max_body_size 64m; client_body_buffer_size 16m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream self {{ server unix:{folder}/socket; keepalive 64; }}
  server {{
    listen 127.0.0.1:{http} backlog=512;
    listen 127.0.0.1:{https} ssl backlog=512;
    ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
    default_type text/plain;
    location /small {{ return 200 "{small}"; }}
    location /mib {{ root {folder}; }}
    location /body {{
      proxy_pass http://self; proxy_http_version 1.1; proxy_pass_request_body off;
      proxy_set_header Connection ""; proxy_set_header Content-Length "";
      proxy_set_header X-Length $request_length;
    }}
  }}
  server {{
    listen unix:{folder}/socket; default_type text/plain;
    location / {{ return 200 $http_x_length; }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_certificate(folder):
    """A certificate for 127.0.0.1, its key, and the authority that has signed it."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(str(folder / "certificate.pem"), append=number > 0)


def start_nginx(root, core):
    """nginx on `core`; its process, and the base URLs by scheme."""
    folder = root / f"core{core}-{time.monotonic_ns()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    for name in ("key.pem", "certificate.pem"):
        shutil.copy(root / name, folder / name)
    (folder / "mib").write_bytes(bytes(2**20))
    ports = {"http": free_port(), "https": free_port()}
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, small="x" * 100, **ports))
    process = subprocess.Popen(
        ["taskset", "-c", str(core), "nginx", "-c", str(conf), "-e", str(folder / "error.log")],
        start_new_session=True,
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", ports["http"]), 0.1).close()
            break
        except OSError:
            if process.poll() is not None:
                raise SystemExit("nginx ended before it listened") from None
            time.sleep(0.05)
    else:
        raise SystemExit("nginx did not listen within 10 seconds")
    return process, {scheme: f"{scheme}://127.0.0.1:{port}" for scheme, port in ports.items()}


def measure(client, case, base, seconds, core, authority):
    """One round: requests per second and CPU microseconds per request, or None without a figure."""
    scheme, path, concurrency = CASES[case]
    command = [sys.executable, str(HERE / "clients" / "load.py"), client, case]
    command += [base[scheme] + path, str(concurrency), str(seconds), str(authority)]
    try:
        done = subprocess.run(
            ["taskset", "-c", str(core), *command], capture_output=True, text=True, timeout=120
        )
    except subprocess.TimeoutExpired:
        print(f"  {client} is left out: it did not end within 120 seconds", flush=True)
        return None
    if done.returncode:
        reason = (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[-1]
        print(f"  {client} is left out: {reason}", flush=True)
        return None
    count, lasted, spent = json.loads(done.stdout)
    return count / lasted, spent / count * 1e6


def compare(case, clients, options, base, core, authority):
    """The rounds of one case: from client to its rows."""
    rows = {client: [] for client in clients}
    for _ in range(options.rounds):
        for client in list(rows):
            row = measure(client, case, base, options.seconds, core, authority)
            if row is None:
                del rows[client]
            else:
                rows[client].append(row)
    return rows


def show(case, rows):
    medians = {
        client: tuple(statistics.median(column) for column in zip(*values, strict=True))
        for client, values in rows.items()
    }
    if not medians:
        return
    base = medians.get("aiohttp", next(iter(medians.values())))
    print(f"\n{case:24}{'req/s':>10}{'us CPU/req':>12}{'CPU ratio':>11}{'req/s ratio':>13}")
    for client, (rate, cpu) in medians.items():
        print(
            f"  {client:22}{rate:10.0f}{cpu:12.2f}{base[1] / cpu:11.2f}{rate / base[0]:13.2f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    for program in ("nginx", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(
                f"{program} is missing: install Debian's packages nginx and util-linux"
            )
    clients = options.clients.split(",")
    cores = sorted(os.sched_getaffinity(0))
    results = {}
    running = []
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        root.chmod(0o777)
        write_certificate(root)
        try:
            for core in (cores[0], cores[-1]):
                running.append(start_nginx(root, core))
            for case in options.cases.split(","):
                base = running[0 if case == "get-1" else 1][1]
                results[case] = compare(
                    case, clients, options, base, cores[0], root / "authority.pem"
                )
                show(case, results[case])
        finally:
            for process, _ in running:
                os.killpg(process.pid, signal.SIGTERM)
            for process, _ in running:
                process.wait(10)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
