"""tercel.web.staticfiles: files below a directory, and no way out of it."""

import os

import pytest

from tercel import web
from tercel.web.folder import names_a_way_out
from tests.web.ask import ask


@pytest.fixture
def place(tmp_path):
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "file.txt").write_text("hello")
    (root / "dir" / "a b.txt").write_text("ab")
    (root / "<b>.txt").write_text("x")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root-twin").mkdir()
    (tmp_path / "root-twin" / "x").write_text("twin")
    os.symlink(tmp_path / "secret", root / "out")
    os.symlink(root / "file.txt", root / "in")
    os.symlink(tmp_path, root / "up")
    os.symlink("loop", root / "loop")
    return root


def make_app(place, **options):
    app = web.Application()
    app.router.add_static("/st", place, name="st", **options)
    return app


@pytest.mark.parametrize(
    "path", ["/st/file.txt", "/st/dir/a%20b.txt", "/st/in", "/st/dir//a%20b.txt"]
)
async def test_files(place, path):
    assert isinstance(await ask(make_app(place), "GET", path), web.FileResponse)


@pytest.mark.parametrize(
    "path",
    [
        "/st/../secret",
        "/st/%2e%2e/secret",
        "/st/..%2fsecret",
        "/st/dir/../../secret",
        "/st/dir/../file.txt",
        "/st/..%2froot%2ffile.txt",
        "/st/../root-twin/x",
        "/st//etc/passwd",
        "/st/%2Fetc%2Fpasswd",
        "/st/out",
        "/st/up/secret",
        "/st/up/root-twin/x",
        "/st/loop",
        "/st/none",
        "/st/file.txt/x",
        "/st/file.txt/",
        "/st/" + "a" * 300,
        "/st/%FF",
    ],
)
async def test_no_way_out(place, path):
    for options in ({}, {"show_index": True}):
        with pytest.raises(web.HTTPNotFound):
            await ask(make_app(place, **options), "GET", path)


async def test_links_may_lead_out_where_asked_for(place):
    app = make_app(place, follow_symlinks=True)
    assert isinstance(await ask(app, "GET", "/st/out"), web.FileResponse)
    for path in ("/st/../secret", "/st/%2e%2e%2fsecret", "/st/up/../secret"):
        with pytest.raises(web.HTTPNotFound):
            await ask(app, "GET", path)


@pytest.mark.parametrize("path", ["/st", "/st/", "/st/dir", "/st/dir/"])
async def test_directories(place, path):
    with pytest.raises(web.HTTPForbidden):
        await ask(make_app(place), "GET", path)
    page = await ask(make_app(place, show_index=True), "GET", path)
    assert page.content_type == "text/html"
    if "dir" in path:
        assert 'href="/st/dir/a%20b.txt"' in page.text
    else:
        assert "Index of /st" in page.text
        assert "<b>" not in page.text
        assert "&lt;b&gt;.txt" in page.text
        assert 'href="/st/dir/"' in page.text


async def test_methods(place):
    with pytest.raises(web.HTTPMethodNotAllowed) as caught:
        await ask(make_app(place), "POST", "/st/file.txt")
    assert caught.value.headers["Allow"] == "GET,HEAD"
    assert isinstance(await ask(make_app(place), "HEAD", "/st/file.txt"), web.FileResponse)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dir/file.txt", "/st/dir/file.txt"),
        ("/a b/ü.txt", "/st/a%20b/%C3%BC.txt"),
        ("x%20", "/st/x%2520"),
        ("a?b#c", "/st/a%3Fb%23c"),
    ],
)
def test_url_for(place, name, expected):
    assert str(make_app(place).router["st"].url_for(filename=name)) == expected


def test_url_for_with_a_version(place):
    resource = make_app(place, append_version=True).router["st"]
    first = resource.url_for(filename="file.txt")
    assert first.query["v"]
    assert resource.url_for(filename="file.txt") == first
    (place / "file.txt").write_text("changed now")
    assert resource.url_for(filename="file.txt") != first
    assert "v" not in resource.url_for(filename="file.txt", append_version=False).query
    for name in ("none", "out", "../secret", "dir"):
        assert "v" not in resource.url_for(filename=name).query


def test_bad_directories(place):
    router = web.Application().router
    for path in (place / "none", place / "file.txt"):
        with pytest.raises(ValueError):
            router.add_static("/st", path)
    with pytest.raises(ValueError, match="started with /"):
        router.add_static("st", place)


def test_options_route(place):
    async def handler(request):
        return web.Response()

    resource = make_app(place).router["st"]
    resource.set_options_route(handler)
    assert len(resource) == 3
    with pytest.raises(RuntimeError):
        resource.set_options_route(handler)


@pytest.mark.parametrize(
    "name",
    [
        "a\\b", "C:/x", "c:x", "file.txt::$DATA", "//host/share", "NUL", "nul.txt", "dir/CON",
        "com1.log", "LPT9", "file.txt.", "file.txt ", "a/..\\b",
    ],
)  # fmt: skip
def test_windows_names(name):
    assert names_a_way_out(name, windows=True)


@pytest.mark.parametrize("name", ["a.txt", "a/b c.txt", "console.txt", "a..b", "...x", ""])
def test_innocent_names(name):
    assert not names_a_way_out(name, windows=True)
    assert not names_a_way_out(name, windows=False)
