"""Autobahn's test suite against Tercel, both ways (`make autobahn`).

In: python2.7 on PATH or pyenv's, for the suite is older than Python 3; the package index, once.
Out: a line for each case that fails, a summary, and exit code 1 if there is any. The whole reports
are HTML pages under build/autobahn. With --write, docs/websockets.md gets the summary.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
DOCUMENT = ROOT / "docs" / "websockets.md"
BEGIN, END = "<!-- autobahn: written by make autobahn -->", "<!-- /autobahn -->"
SUITE = "autobahntestsuite==25.10.1"
#: zope's packages are found by a .pth file, which PYTHONPATH alone does not read.
START = (
    "import os, site; site.addsitedir(os.environ['PYTHONPATH']);"
    "from autobahntestsuite.wstest import run; run()"
)
#: Verdicts that RFC 6455 allows; anything else is a failure.
GOOD = ("OK", "NON-STRICT", "INFORMATIONAL")
Environment = dict[str, str]
#: By role and build, by case: what Autobahn says of it.
Results = dict[str, dict[str, dict[str, str]]]
SECTIONS = {
    "1": "framing",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragmentation",
    "6": "UTF-8",
    "7": "closing",
    "9": "limits and performance",
    "10": "automatic fragmentation",
    "12": "permessage-deflate, echoed",
    "13": "permessage-deflate, its parameters",
}


def find_python2() -> dict[str, str]:
    """The environment in which `python2.7` works; SystemExit with one sentence if none does."""
    choices = [dict(os.environ)]
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True)
        names = [name.strip() for name in listed.stdout.split()]
        choices += [{**os.environ, "PYENV_VERSION": n} for n in names if n.startswith("2.7")]
    for environment in choices:
        environment.pop("PYTHONPATH", None)
        try:
            done = subprocess.run(
                ["python2.7", "-m", "pip", "--version"], env=environment, capture_output=True
            )
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return environment
    sys.exit(
        "The Autobahn test suite needs Python 2.7 with pip, on PATH or in pyenv; none was found."
    )


def install_suite(folder: Path) -> dict[str, str]:
    """The environment to run the suite in; it is installed the first time."""
    environment = find_python2()
    environment["PYTHONPATH"] = str(folder)
    if not (folder / "installed").exists():
        print("Installing the test suite ...", flush=True)
        command = ["python2.7", "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        # A wheel that was built elsewhere may want another Unicode than this Python 2 has.
        command += ["--target", str(folder), SUITE]
        subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
        (folder / "installed").touch()
    return environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"{process.args!r} ended at once, with exit code {process.returncode}.")
            time.sleep(0.05)
    sys.exit(f"{process.args!r} does not listen.")


def wstest(mode: str, spec: dict[str, object], folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{mode}.json"
    path.write_text(json.dumps(spec))
    return ["python2.7", "-c", START, "-m", mode, "-s", str(path), "-u", "0"]


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_server(
    agent: str, cases: list[str], folder: Path, suite: Environment, ours: Environment
) -> None:
    """The fuzzing client against our server."""
    port = free_port()
    spec = {
        "outdir": str(folder),
        "servers": [{"agent": agent, "url": f"ws://127.0.0.1:{port}"}],
        "cases": cases,
        "exclude-cases": [],
    }
    server = subprocess.Popen([sys.executable, HERE / "echo_server.py", str(port)], env=ours)
    try:
        wait_for(port, server)
        with (folder.parent / f"{folder.name}.log").open("wb") as log:
            subprocess.run(
                wstest("fuzzingclient", spec, folder), env=suite, check=True, stdout=log, stderr=log
            )
    finally:
        stop(server)


def run_client(
    agent: str, cases: list[str], folder: Path, suite: Environment, ours: Environment
) -> None:
    """The fuzzing server against our client."""
    port = free_port()
    url = f"ws://127.0.0.1:{port}"
    spec = {"outdir": str(folder), "url": url, "cases": cases, "exclude-cases": []}
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        server = subprocess.Popen(
            wstest("fuzzingserver", spec, folder), env=suite, stdout=log, stderr=log
        )
        try:
            wait_for(port, server)
            subprocess.run(
                [sys.executable, HERE / "echo_client.py", url, agent], env=ours, check=True
            )
        finally:
            stop(server)


def read_results(folder: Path, agent: str) -> dict[str, dict[str, str]]:
    found = json.loads((folder / "index.json").read_text())
    return dict(found.get(agent, {}))


def verdict_of(case: dict[str, str]) -> str:
    """How a case went: the worse of its behaviour and of its closing."""
    for verdict in (case["behavior"], case["behaviorClose"]):
        if verdict not in GOOD:
            return verdict
    return case["behavior"]


def write_table(results: Results) -> str:
    """Counts by section in Markdown: as expected, allowed otherwise, informational, failed."""
    agents = list(results)
    lines = ["| section | " + " | ".join(agents) + " |", "|---|" + "---|" * len(agents)]
    totals: dict[str, Counter[str]] = {agent: Counter() for agent in agents}
    for number, name in SECTIONS.items():
        cells = []
        for agent in agents:
            verdicts = Counter(
                verdict_of(case)
                for key, case in results[agent].items()
                if key.split(".")[0] == number
            )
            totals[agent] += verdicts
            cells.append(describe(verdicts))
        if any(cells):
            lines.append(f"| {number}: {name} | " + " | ".join(cells) + " |")
    lines.append("| **all** | " + " | ".join(describe(totals[a]) for a in agents) + " |")
    return "\n".join(lines)


def describe(verdicts: "Counter[str]") -> str:
    words = {"OK": "ok", "NON-STRICT": "non-strict", "INFORMATIONAL": "informational"}
    parts = [f"{verdicts[key]} {word}" for key, word in words.items() if verdicts[key]]
    failed = sum(count for key, count in verdicts.items() if key not in GOOD)
    if failed:
        parts.append(f"**{failed} failed**")
    return ", ".join(parts)


def list_builds() -> list[tuple[str, dict[str, str]]]:
    """The builds that are here: `compiled` only where the extensions are."""
    environment = dict(os.environ)
    source = str(ROOT / "src")
    environment["PYTHONPATH"] = os.pathsep.join(
        p for p in (environment.get("TERCEL_SOURCE", source), environment.get("PYTHONPATH")) if p
    )
    environment.pop("TERCEL_PURE", None)
    done = subprocess.run(
        [sys.executable, "-c", "import tercel; print(tercel.COMPILED)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    builds = [("interpreted", {**environment, "TERCEL_PURE": "1"})]
    if done.stdout.strip() == "True":
        builds.insert(0, ("compiled", environment))
    return builds


def run_suite(top: Path, options: argparse.Namespace) -> Results:
    """Run what the options ask for; the results by role and build."""
    suite = install_suite(top / "python2")
    results: Results = {}
    for role, run in (("server", run_server), ("client", run_client)):
        for build, ours in list_builds():
            if options.role not in (None, role) or options.build not in (None, build):
                continue
            label = f"{role}-{build}"
            folder = top / label
            shutil.rmtree(folder, ignore_errors=True)
            began = time.monotonic()
            run(label, options.cases, folder, suite, ours)
            found = results[f"{role}, {build}"] = read_results(folder, label)
            print(f"{label}: {len(found)} cases in {time.monotonic() - began:.0f} s", flush=True)
    return results


def read_reports(top: Path) -> Results:
    """The results of earlier runs."""
    results: Results = {}
    for role in ("server", "client"):
        for build in ("compiled", "interpreted"):
            label = f"{role}-{build}"
            if (top / label / "index.json").exists():
                results[f"{role}, {build}"] = read_results(top / label, label)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the Autobahn test suite, both ways.")
    parser.add_argument("--cases", nargs="*", default=["*"], help="such as 1.* 7.7.1 (all)")
    parser.add_argument("--role", choices=("server", "client"), help="one way only")
    parser.add_argument("--build", choices=("compiled", "interpreted"), help="one build only")
    parser.add_argument("--report", action="store_true", help="run nothing, read the last reports")
    parser.add_argument("--write", action="store_true", help="put the summary into the docs")
    options = parser.parse_args()
    top = ROOT / "build" / "autobahn"
    top.mkdir(parents=True, exist_ok=True)
    results = read_reports(top) if options.report else run_suite(top, options)
    table = write_table(results)
    print(table)
    failed = 0
    for agent, cases in results.items():
        for key, case in cases.items():
            if verdict_of(case) not in GOOD:
                failed += 1
                print(f"{agent}: case {key}: {case['behavior']}, closing {case['behaviorClose']}")
    if options.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    return 1 if failed or not results or not all(results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
