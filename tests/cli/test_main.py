"""The command itself, `tercel info` and `tercel routes`."""

import json
from pathlib import Path

import tercel
from tests.cli.program import run

APP = """
from tercel import web

async def hello(request):
    return web.Response()

class Thing(web.View):
    async def get(self):
        return web.Response()

inner = web.Application()
inner.add_routes([web.get("/deep", hello, name="deep"), web.view("/thing", Thing)])
other = web.Application()
other.add_routes([web.get("/", hello)])
app = web.Application()
app.add_routes([web.get("/", hello), web.post("/", hello), web.static("/files", "files")])
app.add_subapp("/inner", inner)
app.add_domain("*.example.com", other)
"""


def test_help_names_every_command_and_nothing_is_a_mistake(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for name in ("run", "routes", "fetch", "new", "info"):
        assert f"\n  {name} " in done.stdout
    empty = run(tmp_path)
    assert (empty.returncode, empty.stdout) == (2, "")
    assert "Commands:" in empty.stderr
    wrong = run(tmp_path, "jump")
    assert wrong.stderr == "python -m tercel: No such command 'jump'.\n"
    assert wrong.returncode == 2


def test_info_says_what_a_report_needs(tmp_path: Path) -> None:
    facts = json.loads(run(tmp_path, "info", "--json").stdout)
    assert facts["tercel"] == tercel.__version__
    assert facts["compiled"] is tercel.COMPILED
    assert {"gzip", "deflate"} <= set(facts["codings"])
    assert facts["packages"]["yarl"]
    text = run(tmp_path, "info").stdout
    assert f"compiled:   {'yes' if tercel.COMPILED else 'no'}\n" in text


def test_routes_of_nested_applications(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "served.py").write_text(APP)
    lines = json.loads(run(tmp_path, "routes", "served:app", "--json").stdout)
    assert [(each["method"], each["path"], each["name"], each["handler"]) for each in lines] == [
        ("GET,POST", "/", "", "served.hello"),
        ("GET", "/files", "", f"files of {tmp_path}/files"),
        ("GET", "/inner/deep", "deep", "served.hello"),
        ("*", "/inner/thing", "", "served.Thing (view)"),
        ("GET", "*.example.com/", "", "served.hello"),
    ]
    done = run(tmp_path, "routes", "served:nothing")
    sentence = "module 'served' has no attribute 'nothing'"
    assert done.stderr == f"python -m tercel routes: {sentence}\n"
    assert done.returncode == 2
