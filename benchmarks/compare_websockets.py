"""Compares WebSocket servers in one interleaved run: the server on one core, the client on another.

Usage: compare_websockets.py [--rounds N] [--seconds S] [--cases 64-1,64-64,16384-1,16384-64]
                             [--servers a,b] [--json FILE]

A case is the octets of a message and the number of connections. Prints the medians of echoes per
second and of the server's CPU microseconds per echo, and the ratios to aiohttp (higher is better).
A server that is not installed, or answers wrongly, is left out with a note. No TLS, no compression;
picows is asked by callbacks, the others by `async for`.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent / "websockets"
SERVERS = ("tercel", "aiohttp", "picows", "websockets")
CASES = ("64-1", "64-64", "16384-1", "16384-64")


def cpu_seconds(pid):
    """What a process has used so far, on all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server, case, seconds, cores):
    """One round: echoes per second and CPU microseconds per echo, or None without a figure."""
    size, connections = case.split("-")
    with subprocess.Popen(
        ["taskset", "-c", str(cores[0]), sys.executable, str(HERE / "server.py"), server],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            port = process.stdout.readline().strip()
            if not port:
                reason = (process.stderr.read().strip() or "it ended").splitlines()[-1]
                print(f"  {server} is left out: {reason}", flush=True)
                return None
            before = cpu_seconds(process.pid)
            load = ["taskset", "-c", str(cores[-1]), sys.executable, str(HERE / "load.py")]
            done = subprocess.run(
                [*load, port, size, connections, str(seconds)], capture_output=True, text=True
            )
            spent = cpu_seconds(process.pid) - before
        finally:
            process.kill()
    if done.returncode:
        reason = (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[-1]
        print(f"  {server} is left out: {reason}", flush=True)
        return None
    count, lasted = map(float, done.stdout.split())
    return count / lasted, spent / max(count, 1) * 1e6


def show(case, rows):
    medians = {
        server: tuple(statistics.median(column) for column in zip(*values, strict=True))
        for server, values in rows.items()
    }
    if not medians:
        return
    base = medians.get("aiohttp", next(iter(medians.values())))
    print(f"\n{case:24}{'echoes/s':>10}{'us CPU/echo':>13}{'CPU ratio':>11}{'rate ratio':>12}")
    for server, (rate, cpu) in medians.items():
        print(
            f"  {server:22}{rate:10.0f}{cpu:13.2f}{base[1] / cpu:11.2f}{rate / base[0]:12.2f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    results = {}
    for case in options.cases.split(","):
        rows = {server: [] for server in options.servers.split(",")}
        for _ in range(options.rounds):
            for server in list(rows):
                row = measure(server, case, options.seconds, cores)
                if row is None:
                    del rows[server]
                else:
                    rows[server].append(row)
        results[case] = rows
        show(case, rows)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
