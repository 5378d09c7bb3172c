"""web_reference.rst `add_static`, `FileResponse`; web_advanced.rst "Static files"."""

import os

import pytest

from tests.documented.subject import improvement


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "data.txt").write_bytes(b"0123456789")
    (root / "page.html").write_text("<p>")
    (root / "style.css").write_text("a{}")
    (root / "app.js").write_text("1")
    (root / "img.png").write_bytes(b"\x89PNG")
    (root / "unknown.zzz").write_bytes(b"?")
    (root / "empty").write_bytes(b"")
    (root / "with space.txt").write_text("space")
    (root / "\u0444.txt").write_text("cyrillic")
    (root / "dir" / "inner.txt").write_text("inner")
    (root / "big.bin").write_bytes(os.urandom(1024) * 700)
    (tmp_path / "secret.txt").write_text("secret")
    return root


@pytest.fixture
def files(serve, web, root):
    async def start(prefix="/static", **options):
        app = web.Application()
        app.router.add_static(prefix, root, **options)
        return await serve(app)

    return start


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("data.txt", "text/plain"),
        ("page.html", "text/html"),
        ("style.css", "text/css"),
        ("img.png", "image/png"),
        ("unknown.zzz", "application/octet-stream"),
        ("empty", "application/octet-stream"),
    ],
)
async def test_files(files, root, name, kind):
    answer = await (await files()).get(f"/static/{name}")
    assert answer.status == 200
    assert answer.body == (root / name).read_bytes()
    assert answer["Content-Type"].partition(";")[0] == kind
    assert answer["Content-Length"] == str((root / name).stat().st_size)
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Last-Modified"].endswith(" GMT")
    assert answer["ETag"].startswith('"')


async def test_a_big_file(files, root):
    connection = await (await files()).connect()
    for _ in range(2):
        answer = await connection.request("GET", "/static/big.bin")
        assert answer.body == (root / "big.bin").read_bytes()


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/static/with%20space.txt", "space"),
        ("/static/%D1%84.txt", "cyrillic"),
        ("/static/dir/inner.txt", "inner"),
        ("/static/dir%2Finner.txt", "inner"),
    ],
)
async def test_names(files, target, text):
    answer = await (await files()).get(target)
    if "%2F" in target:
        assert answer.status in (200, 404)
    else:
        assert (answer.status, answer.text) == (200, text)


async def test_head(files):
    answer = await (await files()).request("HEAD", "/static/data.txt")
    assert (answer.status, answer.body, answer["Content-Length"]) == (200, b"", "10")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_other_methods(files, method):
    answer = await (await files()).request(method, "/static/data.txt")
    assert answer.status == 405
    assert answer["Allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    "target",
    [
        "/static/none.txt",
        "/static/dir/none.txt",
        "/static/data.txt/x",
        "/staticdata.txt",
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2Fsecret.txt",
        "/static/dir/../../secret.txt",
        "/static//etc/passwd",
        "/static/%2Fetc%2Fpasswd",
        "/static/C:/x",
    ],
)
async def test_not_found(files, target):
    answer = await (await files()).get(target)
    assert answer.status in (403, 404)
    assert "secret" not in answer.text


@pytest.mark.parametrize("target", ["/static", "/static/", "/static/dir", "/static/dir/"])
async def test_directories_are_forbidden(files, target):
    assert (await (await files()).get(target)).status == 403


@pytest.mark.parametrize("target", ["/static", "/static/"])
async def test_show_index(files, target):
    answer = await (await files(show_index=True)).get(target)
    assert answer.status == 200
    assert answer["Content-Type"].startswith("text/html")
    for text in ("Index of /", 'href="/static/data.txt"', 'href="/static/dir', "dir/"):
        assert text in answer.text


async def test_show_index_of_a_folder(files):
    answer = await (await files(show_index=True)).get("/static/dir")
    assert 'href="/static/dir/inner.txt"' in answer.text


async def test_index_is_escaped(files, root):
    (root / "<img src=0 onerror=alert(1)>.txt").write_text("x")
    answer = await (await files(show_index=True)).get("/static/")
    assert "<img" not in answer.text
    assert "&lt;img" in answer.text


async def test_symlinks_within_the_root(files, root):
    (root / "link.txt").symlink_to(root / "data.txt")
    assert (await (await files()).get("/static/link.txt")).status == 200


@pytest.mark.parametrize(("follow", "status"), [(False, 404), (True, 200)])
async def test_symlinks_out_of_the_root(files, root, follow, status):
    (root / "link.txt").symlink_to(root.parent / "secret.txt")
    server = await files(follow_symlinks=follow)
    assert (await server.get("/static/link.txt")).status == status


async def test_unreadable_file(files, root):
    path = root / "data.txt"
    path.chmod(0)
    if os.access(path, os.R_OK):  # as root; but this one even root may only write
        path.unlink()
        path.symlink_to("/proc/sys/vm/compact_memory")
    server = await files(follow_symlinks=True)
    assert (await server.get("/static/data.txt")).status == 403


async def test_several_prefixes(serve, web, root):
    app = web.Application()
    app.add_routes(
        [web.static("/a", root), web.static("/a/b", root / "dir"), web.static("/", root)]
    )
    server = await serve(app)
    assert (await server.get("/a/data.txt")).status == 200
    assert (await server.get("/data.txt")).status == 200


async def test_a_route_beside_a_static_prefix(serve, web, root):
    async def handler(request):
        return web.Response(text="route")

    app = web.Application()
    app.router.add_get("/", handler)
    app.router.add_static("/", root)
    server = await serve(app)
    assert (await server.get("/")).text == "route"
    assert (await server.get("/data.txt")).text == "0123456789"


def test_the_resource(web, root):
    app = web.Application()
    resource = app.router.add_static("/prefix/", root, name="s")
    assert isinstance(resource, web.StaticResource)
    assert resource.canonical == "/prefix"
    assert app.router["s"] is resource
    assert sorted(route.method for route in resource) == ["GET", "HEAD"]
    assert len(resource) == 2


@pytest.mark.parametrize("convert", [str, lambda path: path])
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("file.txt", "/prefix/file.txt"),
        ("dir/file.txt", "/prefix/dir/file.txt"),
        ("/file.txt", "/prefix/file.txt"),
        ("a b.txt", "/prefix/a%20b.txt"),
        ("\u0444.txt", "/prefix/%D1%84.txt"),
        ("a%20b.txt", "/prefix/a%2520b.txt"),
    ],
)
def test_url_for(web, root, name, url, convert):
    import pathlib

    resource = web.Application().router.add_static("/prefix", convert(root))
    assert str(resource.url_for(filename=name)) == url
    assert str(resource.url_for(filename=pathlib.PurePosixPath(name))) == url


def test_append_version(web, root):
    router = web.Application().router
    resource = router.add_static("/a", root, append_version=True)
    url = resource.url_for(filename="data.txt")
    assert list(url.query) == ["v"]
    assert len(url.query["v"]) >= 40
    assert resource.url_for(filename="data.txt") == url
    assert str(resource.url_for(filename="data.txt", append_version=False)) == "/a/data.txt"
    assert str(resource.url_for(filename="none.txt")) == "/a/none.txt"
    assert "v" not in resource.url_for(filename="../secret.txt").query
    other = router.add_static("/b", root)
    assert str(other.url_for(filename="data.txt")) == "/b/data.txt"
    assert other.url_for(filename="data.txt", append_version=True).query == url.query


async def test_a_versioned_url_is_served(files, root, web):
    app_server = await files(append_version=True)
    assert (await app_server.get("/static/data.txt?v=anything")).status == 200


@pytest.mark.parametrize("prefix", ["static", "static/"])
def test_prefix_starts_with_a_slash(web, root, prefix):
    with pytest.raises((AssertionError, ValueError)):
        web.Application().router.add_static(prefix, root)


@pytest.mark.parametrize("name", ["none", "data.txt"])
def test_the_directory_must_be_one(web, root, name):
    with pytest.raises(ValueError):
        web.Application().router.add_static("/s", root / name)


# Conditions and ranges


async def test_not_modified(files):
    server = await files()
    first = await server.get("/static/data.txt")
    for headers in (
        {"If-Modified-Since": first["Last-Modified"]},
        {"If-None-Match": first["ETag"]},
        {"If-None-Match": '"other", ' + first["ETag"]},
        {"If-None-Match": "*"},
    ):
        answer = await server.get("/static/data.txt", headers)
        assert (answer.status, answer.body) == (304, b"")
    for headers in (
        {"If-Modified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
        {"If-Modified-Since": "nonsense"},
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": first["Last-Modified"]},
    ):
        assert (await server.get("/static/data.txt", headers)).status == 200


async def test_preconditions(files):
    server = await files()
    first = await server.get("/static/data.txt")
    for headers in (
        {"If-Unmodified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
        {"If-Match": '"other"'},
    ):
        assert (await server.get("/static/data.txt", headers)).status == 412
    for headers in (
        {"If-Unmodified-Since": first["Last-Modified"]},
        {"If-Match": first["ETag"]},
        {"If-Match": "*"},
    ):
        assert (await server.get("/static/data.txt", headers)).status == 200


@pytest.mark.parametrize(
    ("value", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=100-200", 416, None, "bytes */10"),
    ],
)
async def test_ranges(files, value, status, body, content_range):
    answer = await (await files()).get("/static/data.txt", {"Range": value})
    assert answer.status == status
    assert answer["Content-Range"] == content_range
    if body is not None:
        assert answer.body == body


async def test_if_range(files, root):
    os.utime(root / "data.txt", (1_700_000_000, 1_700_000_000))
    server = await files()
    first = await server.get("/static/data.txt")
    headers = {"Range": "bytes=0-3", "If-Range": first["Last-Modified"]}
    assert (await server.get("/static/data.txt", headers)).status == 206
    headers["If-Range"] = "Mon, 01 Jan 1990 00:00:00 GMT"
    assert (await server.get("/static/data.txt", headers)).status == 200


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [("gzip", "gzip"), ("br", "br"), ("gzip, br", "br")],
)
async def test_compressed_siblings(files, root, accept, wanted):
    (root / "data.txt.gz").write_bytes(b"gzipped")
    (root / "data.txt.br").write_bytes(b"brotlied")
    headers = {"Accept-Encoding": accept} if accept else {}
    answer = await (await files()).get("/static/data.txt", headers)
    assert answer.status == 200
    assert answer.get("Content-Encoding") == wanted
    assert answer["Content-Type"].partition(";")[0] == "text/plain"
    assert answer.body == {"gzip": b"gzipped", "br": b"brotlied"}[wanted]
    assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.parametrize("accept", ["deflate", None])
async def test_compressed_siblings_that_nobody_asked_for(files, root, accept):
    (root / "data.txt.gz").write_bytes(b"gzipped")
    headers = {"Accept-Encoding": accept} if accept else {}
    answer = await (await files()).get("/static/data.txt", headers)
    assert answer.get("Content-Encoding") is None
    assert answer.body == b"0123456789"


# FileResponse


@pytest.mark.parametrize("convert", [str, lambda path: path])
async def test_file_response(serve, web, root, convert):
    async def handler(request):
        return web.FileResponse(convert(root / "data.txt"), headers={"X-A": "1"}, chunk_size=2)

    answer = await (await serve(handler)).get("/")
    assert (answer.status, answer.body, answer["X-A"]) == (200, b"0123456789", "1")
    assert answer["Content-Type"].partition(";")[0] == "text/plain"


async def test_file_response_with_status(serve, web, root):
    async def handler(request):
        return web.FileResponse(root / "page.html", status=404, reason="Lost")

    answer = await (await serve(handler)).get("/")
    assert (answer.status, answer.reason, answer.text) == (404, "Lost", "<p>")


async def test_file_response_with_content_type(serve, web, root):
    async def handler(request):
        response = web.FileResponse(root / "data.txt")
        response.content_type = "text/x-mine"
        return response

    assert (await (await serve(handler)).get("/"))["Content-Type"] == "text/x-mine"


async def test_file_response_without_the_file(serve, web, root):
    async def handler(request):
        return web.FileResponse(root / "none")

    assert (await (await serve(handler)).get("/")).status == 404


async def test_file_response_of_a_folder(serve, web, root):
    async def handler(request):
        return web.FileResponse(root)

    assert (await (await serve(handler)).get("/")).status in (403, 404)


async def test_file_response_sets_cookies(serve, web, root):
    async def handler(request):
        response = web.FileResponse(root / "data.txt")
        response.set_cookie("a", "b")
        return response

    assert (await (await serve(handler)).get("/")).cookie("a") == "a=b; Path=/"


async def test_without_sendfile(files, root, monkeypatch):
    from tests.documented.subject import SUBJECT

    monkeypatch.setenv(f"{SUBJECT.upper()}_NOSENDFILE", "1")
    answer = await (await files()).get("/static/big.bin")
    assert answer.body == (root / "big.bin").read_bytes()


@improvement("a file is not a folder")
async def test_a_file_with_a_slash(files):
    assert (await (await files()).get("/static/data.txt/")).status == 404


@improvement("a name that no file system can hold is the client's fault, not 500")
async def test_nul_in_the_name(files):
    assert (await (await files()).get("/static/a%00b")).status in (400, 404)


@improvement("a text is marked with its charset, where its first octets show which")
async def test_texts_have_a_charset(files, root):
    (root / "latin.txt").write_bytes("\u00fcber".encode("latin-1"))
    server = await files()
    answer = await server.get("/static/app.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert (await server.get("/static/latin.txt"))["Content-Type"] == "text/plain"


@improvement("several ranges are answered with several parts")
async def test_several_ranges(files):
    answer = await (await files()).get("/static/data.txt", {"Range": "bytes=0-1,-1"})
    assert answer.status == 206
    assert answer["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert b"Content-Range: bytes 9-9/10\r\n\r\n9\r\n--" in answer.body


@improvement("a range in a unit that nobody knows is no range (RFC 9110 section 14.2)")
async def test_ranges_of_other_units(files):
    answer = await (await files()).get("/static/data.txt", {"Range": "lines=1-2"})
    assert (answer.status, answer.body) == (200, b"0123456789")


@improvement("how long a copy of a file is fresh can be said")
async def test_cache_control(files):
    answer = await (await files(cache_control="max-age=60")).get("/static/data.txt")
    assert answer["Cache-Control"] == "max-age=60"


@improvement("a file modified in this very second is not said to be modified in the next")
async def test_last_modified_is_never_in_the_future(files, root):
    os.utime(root / "data.txt", ns=(1_700_000_000_900_000_000, 1_700_000_000_900_000_000))
    answer = await (await files()).get("/static/data.txt")
    assert answer["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
