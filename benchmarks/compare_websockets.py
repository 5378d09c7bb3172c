"""Compares WebSocket servers in one interleaved run: the server on one core, the client on another.

Usage: compare_websockets.py [--rounds N] [--seconds S] [--cases a,b] [--servers a,b] [--json FILE]

An echo case is SIZE-CONNECTIONS, CONNECTIONSxIN_FLIGHT for several messages on the way, with -tls
or -deflate behind it. "broadcast" is one message to `--members` sockets: `WebSocketSet`, the
`broadcast` of others, a loop of sends where there is none (and for tercel-raw). "memory" is what
`--sockets` idle ones cost the server, each of which has echoed one message; "memory-deflate" the
same with permessage-deflate. Prints medians, and ratios to aiohttp (higher is better). A server
that is not installed, or answers wrongly, is left out with a note.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent / "websockets"
SERVERS = ("tercel", "tercel-raw", "picows", "picows.websockets", "websockets", "aiohttp", "limit")
PLAIN = ("64-1", "64-64", "64-8x32", "16384-1", "16384-64")
CASES = (
    *PLAIN,
    *(f"{case}-tls" for case in PLAIN),
    "1024-1-deflate",
    "1024-64-deflate",
    "broadcast",
    "memory",
    "memory-deflate",
)
#: Seconds after which a window that nobody uses may have been dropped.
SETTLE = 12


class LeftOut(Exception):
    """A server can't be measured; the message says why."""


def cpu_seconds(pid):
    """What a process has used so far, on all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    """KiB of a process that are in memory."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def reason_of(process):
    return (process.stderr.read().strip() or "it ended").splitlines()[-1]


@contextlib.contextmanager
def started(core, *command):
    """A Python program of ours on one core, killed at the end; `LeftOut` if it says nothing."""
    with subprocess.Popen(
        ["taskset", "-c", str(core), sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            process.first = process.stdout.readline().strip()
            if not process.first:
                raise LeftOut(reason_of(process))
            yield process
        finally:
            process.kill()


class Bench:
    """Measures one server in one case, once."""

    def __init__(self, options, cert):
        cores = sorted(os.sched_getaffinity(0))
        self.server_core, self.load_core = cores[0], cores[-1]
        self.options = options
        self.cert = cert

    def measure(self, server, case):
        """Echoes: (per second, CPU us each); broadcasts: (CPU us each,); memory: (KiB each,)."""
        if case == "broadcast":
            return self.broadcast(server)
        if case.startswith("memory"):
            return self.memory(server, case.endswith("deflate"))
        size, connections, *how = case.split("-")
        connections, _, in_flight = connections.partition("x")
        task = "deflate" if "deflate" in how else "echo"
        tls = [self.cert] if "tls" in how else []
        load = [str(HERE / "load.py")]
        with started(self.server_core, str(HERE / "server.py"), server, task, *tls) as process:
            with started(
                self.load_core,
                *load,
                process.first,
                size,
                connections,
                in_flight or "1",
                str(self.options.seconds),
                *how,
            ) as loading:
                before = cpu_seconds(process.pid)
                found = loading.stdout.readline()
                spent = cpu_seconds(process.pid) - before
                if not found:
                    raise LeftOut(reason_of(loading))
                count, lasted = map(float, found.split())
        return count / lasted, spent / max(count, 1) * 1e6

    @contextlib.contextmanager
    def holding(self, process, count, *how):
        """A client that keeps `count` sockets open, each with one message echoed."""
        how = ("64", str(count), "1", "2", *how, "hold")
        with started(self.load_core, str(HERE / "load.py"), process.first, *how) as client:
            if not client.stdout.readline():
                raise LeftOut(reason_of(client))
            yield client

    def broadcast(self, server):
        with (
            started(self.server_core, str(HERE / "server.py"), server, "broadcast") as process,
            self.holding(process, self.options.members),
        ):
            process.stdin.write("50\n")
            process.stdin.flush()
            found = process.stdout.readline()
            if not found:
                raise LeftOut(reason_of(process))
            return (float(found),)

    def memory(self, server, is_deflated):
        task = ["deflate"] if is_deflated else []
        with started(
            self.server_core, str(HERE / "server.py"), server, *(task or ["echo"])
        ) as process:
            # The first few bring in what is imported late.
            with self.holding(process, 20, *task):
                before = resident(process.pid)
                with self.holding(process, self.options.sockets, *task):
                    time.sleep(SETTLE if is_deflated else 1)
                    return ((resident(process.pid) - before) / self.options.sockets,)


def show(case, rows):
    medians = {
        server: tuple(statistics.median(column) for column in zip(*values, strict=True))
        for server, values in rows.items()
        if values
    }
    if not medians:
        return
    base = medians.get("aiohttp", next(iter(medians.values())))
    is_memory = case.startswith("memory")
    cost = "KiB/socket" if is_memory else "us CPU each"
    print(f"\n{case:24}{cost:>13}{'ratio':>9}{'' if len(base) == 1 else '    echoes/s    ratio'}")
    for server, values in medians.items():
        line = f"  {server:22}{values[-1]:13.2f}{base[-1] / max(values[-1], 0.001):9.2f}"
        if len(values) > 1:
            line += f"{values[0]:12.0f}{values[0] / base[0]:9.2f}"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--sockets", type=int, default=5000)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options.sockets = min(options.sockets, max(hard, soft) - 200)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        import trustme

        cert = pathlib.Path(folder, "cert.pem")
        trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(cert)
        bench = Bench(options, str(cert))
        for case in options.cases.split(","):
            rows = {server: [] for server in options.servers.split(",")}
            # Memory does not vary from round to round as time does.
            for _ in range(1 if case.startswith("memory") else options.rounds):
                for server in list(rows):
                    try:
                        rows[server].append(bench.measure(server, case))
                    except LeftOut as reason:
                        print(f"  {server} is left out: {reason}", flush=True)
                        del rows[server]
            results[case] = rows
            show(case, rows)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
