"""python -m files, as somebody at a terminal meets it."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import tercel
from tercel.test_utils import unused_port

PROJECT = Path(__file__).resolve().parent.parent
SOURCE = Path(tercel.__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(PROJECT)])}


def test_it_serves_and_ends(tmp_path: Path) -> None:
    port = unused_port()
    command = [sys.executable, "-m", "files", "--port", str(port), "--folder", str(tmp_path / "x")]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as process:
        try:
            limit = time.monotonic() + 30
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                        assert b"Drop files here" in answer.read()
                    break
                except OSError:
                    assert process.poll() is None
                    assert time.monotonic() < limit
                    time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert sorted(os.listdir(tmp_path / "x")) == ["coming", "kept"]


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "files", "--port", "0", "--folder", str(tmp_path / "file")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
