"""The examples in the pages of these rooms run as they stand there."""

import re
from pathlib import Path
from typing import Any

import pytest

from tercel.test_utils import TestClient, TestServer
from tests.meta.house import REPOSITORY


def load(page: str, number: int = 0) -> dict[str, Any]:
    """What the page's Python block of that number defines."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]
    names: dict[str, Any] = {"__name__": page}
    exec(compile(block, page, "exec"), names)
    return names


async def test_sessions() -> None:
    app = load("sessions.md")["make_app"]()
    async with TestClient(TestServer(app)) as client:
        async with client.get("/") as response:
            assert await response.text() == "Last visited: None"
        async with client.get("/") as response:
            assert float((await response.text()).removeprefix("Last visited: ")) > 0


async def test_a_storage_of_ones_own() -> None:
    await load("sessions.md", 1)["test_memory_storage"]()


async def test_security() -> None:
    app = load("security.md")["make_app"]()
    async with TestClient(TestServer(app)) as client:
        async with client.get("/notes/ada", allow_redirects=False) as response:
            assert response.headers["Location"] == "/login?next=/notes/ada"
        async with client.get("/login") as response:
            token = re.findall(r'value="([^"]+)"', await response.text())[0]
        form = {"name": "ada", "password": "wrong", "csrf_token": token}
        for password, status in (("wrong", 403), ("correct horse", 200)):
            form["password"] = password
            async with client.post("/login?next=/notes/ada", data=form) as response:
                assert response.status == status
                text = await response.text()
        assert text == "buy oats"
        async with client.get("/notes/ben") as response:
            assert response.status == 403


def test_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = load("config.md")
    assert names["make_app"]([])[names["SETTINGS"]] == names["Settings"]()
    Path("other.yaml").write_text("port: 80\ndatabase: {pool: 7}\n")
    monkeypatch.setenv("SITE_DATABASE__URL", "other")
    settings = names["make_app"](["--config=other.yaml"])[names["SETTINGS"]]
    assert (settings.port, settings.database) == (80, names["Database"]("other", 7))
    Path("other.yaml").write_text("port: '80'\n\ndatabase:\n pol: 7\n")
    monkeypatch.setenv("SITE_MODE", "test")
    with pytest.raises(names["SettingsError"]) as caught:
        names["make_app"](["--config=other.yaml"])
    assert set(caught.value.problems) == {
        "other.yaml, line 4: database.pol: unknown; did you mean pool?",
        "other.yaml, line 1: port: expected int, got '80'",
        "the environment variable SITE_MODE: mode: expected one of 'development', 'production', "
        "got 'test'",
    }


async def test_database(tmp_path: Path) -> None:
    app = load("database.md")["make_app"](f"sqlite:///{tmp_path}/posts.db")
    async with TestClient(TestServer(app)) as client:
        for title, status in (("a", 201), ("", 400), ("b", 201)):
            async with client.post("/posts", json={"title": title}) as response:
                assert response.status == status
        async with client.get("/posts") as response:
            assert await response.json() == ["a", "b"]
        async with client.get("/health") as response:
            assert response.status == 200


async def test_jobs() -> None:
    names = load("jobs.md")
    app = names["make_app"]()
    async with TestClient(TestServer(app)) as client:
        async with client.get("/register?address=ada") as response:
            assert await response.text() == "a letter is on its way"
        async with client.post("/pay") as response:
            assert await response.text() == "paid"
    assert app[names["SENT"]] == ["ada"]


async def test_cors() -> None:
    async with TestClient(TestServer(load("cors.md")["make_app"]())) as client:
        origin = "http://client.example.org"
        async with client.get("/hello", headers={"Origin": origin}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == origin
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        async with client.options("/hello", headers=asked) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Max-Age"] == "3600"


async def test_rates_and_headers() -> None:
    async with TestClient(TestServer(load("security.md", 1)["make_app"]())) as client:
        for status in (200, 200, 200, 200, 200, 429):
            async with client.post("/login") as response:
                assert response.status == status
                assert response.headers["X-Content-Type-Options"] == "nosniff"
