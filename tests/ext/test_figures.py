"""The page of figures: what is counted, under which names, and what can't grow without end."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tercel import web
from tercel.ext.figures import setup_figures
from tests.cli.program import environment, running
from tests.live import serving


def make_app() -> web.Application:
    app = web.Application()
    setup_figures(app, lag_pause=0.01)

    async def item(request: web.Request) -> web.Response:
        return web.Response(text="x" * 1000)

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await asyncio.sleep(0)
            await response.write(b"y" * 70000)
        return response

    async def fail(request: web.Request) -> web.Response:
        raise RuntimeError("this is what the test wants")

    async def save(request: web.Request) -> web.Response:
        await request.read()
        raise web.HTTPSeeOther("/items/1")

    app.router.add_get("/items/{id}", item)
    app.router.add_post("/items/{id}", save)
    app.router.add_get("/stream", stream, name="stream")
    app.router.add_get("/fail", fail)
    return app


def read(page: str) -> dict[tuple[str, ...], float]:
    """Samples by name and the values of their labels."""
    return {
        (sample.name, *[sample.labels[key] for key in sorted(sample.labels)]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def test_requests_are_counted_by_route() -> None:
    async with serving(make_app()) as server:
        for number in range(3):
            await server.request("GET", f"/items/{number}")
            await server.request("GET", f"/nowhere/{number}")
        await server.request("POST", "/items/1", body=b"z" * 500)
        await server.request("GET", "/stream")
        await server.request("GET", "/fail")
        await server.request("BREW", "/items/1")
        await asyncio.sleep(0.05)
        answer = await server.request("GET", "/metrics")
    assert answer["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    found = read(answer.text)
    total = "http_server_requests_total"
    route = "/items/{id}"
    assert found[total, "GET", route, "200"] == 3
    assert found[total, "GET", "-", "404"] == 3
    assert found[total, "POST", route, "303"] == 1
    assert found[total, "GET", "stream", "200"] == 1
    assert found[total, "GET", "/fail", "500"] == 1
    assert found[total, "OTHER", "-", "405"] == 1
    assert found["http_server_request_body_bytes_total", "POST", route] == 500
    assert 3000 < found["http_server_response_size_bytes_sum", "GET", route] < 3000 + 3 * 400
    assert found["http_server_response_size_bytes_sum", "GET", "stream"] > 210000
    assert found["http_server_request_duration_seconds_count", "GET", route] == 3
    assert found["http_server_active_requests",] == 1
    assert found["http_server_open_connections",] >= 1
    assert found["http_server_connections_total",] >= 1
    assert found["tercel_event_loop_lag_seconds_count",] >= 1
    assert not [key for key in found if re.search(r"nowhere|items/\d|BREW", str(key))]


async def test_a_client_that_leaves_is_counted_once() -> None:
    app = make_app()
    begun = asyncio.Event()

    async def endless(request: web.Request) -> Any:
        begun.set()
        await asyncio.Event().wait()

    app.router.add_get("/endless", endless)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    await begun.wait()
    writer.transport.abort()
    for _ in range(500):
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET /metrics HTTP/1.0\r\nHost: a\r\n\r\n")
        page = (await reader.read()).decode().partition("\r\n\r\n")[2]
        writer.close()
        found = read(page)
        if ("http_server_requests_total", "GET", "/endless", "499") in found:
            break
        await asyncio.sleep(0.01)
    assert found["http_server_requests_total", "GET", "/endless", "499"] == 1
    assert found["http_server_active_requests",] == 1
    await runner.cleanup()


def test_without_the_library_one_sentence_says_so(tmp_path: Path) -> None:
    code = "import sys; sys.modules['prometheus_client'] = None; import tercel.ext.figures"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    last = done.stderr.splitlines()[-1]
    assert "needs prometheus-client: pip install 'tercel[figures]'" in last


@pytest.mark.parametrize("path", ["/metrics", "/figures"])
async def test_the_page_is_where_it_is_wanted(path: str) -> None:
    app = web.Application()
    figures = setup_figures(app, path=path)
    figures.requests.labels("GET", "x", "200").inc()
    async with serving(app) as server:
        answer = await server.request("GET", path)
    assert answer.text.endswith("# EOF\n")
    assert read(answer.text)["http_server_requests_total", "GET", "x", "200"] == 1


async def test_workers_show_the_sum_of_all(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(
        "import os\n"
        "from tercel import web\n"
        "from tercel.ext.figures import setup_figures\n"
        "async def pid(request):\n"
        "    return web.Response(text=str(os.getpid()))\n"
        "app = web.Application()\n"
        "setup_figures(app)\n"
        "app.router.add_get('/', pid, name='pid')\n"
    )
    (tmp_path / "figures").mkdir()
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "figures")}
    options = ("run", "served:app", "--port", "0", "--workers", "2")
    async with running(tmp_path, *options, **variables) as program:
        await program.ready()
        count = 0
        pids = set()
        while len(pids) < 2 and count < 500:
            pids.add(await program.get())
            count += 1
        assert len(pids) == 2
        total = ("http_server_requests_total", "GET", "pid", "200")
        for _ in range(100):  # a worker counts just after it has answered
            found = read(await program.get("/metrics"))
            if found[total] == count:
                break
        assert found[total] == count
        # What a worker had open is gone with it; what it counted stays.
        os.kill(int(pids.pop()), signal.SIGKILL)
        await program.until(lambda: program.err.count("is ready") == 3)
        found = read(await program.get("/metrics"))
        assert found[total] == count
        assert await program.end() == 0
