"""tercel.web.resources and pattern: URLs built back, descriptions, prefixes."""

import pytest

from tercel import web
from tercel.web.pattern import may_span_segments, normal_path, parse_pattern
from tests.web.ask import make_request


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ("/d/{a}/{b}", {"a": "x y/z%é?#", "b": 12}, "/d/x%20y/z%25%C3%A9%3F%23/12"),
        (r"/d/{a:\d+}.txt", {"a": 1}, "/d/1.txt"),
        ("/é/{a}", {"a": "b", "unused": "c"}, "/%C3%A9/b"),
        ("/p%2Fq/{a}", {"a": "b"}, "/p%2Fq/b"),
        ("/a b", {}, "/a%20b"),
        ("/é%20%2F%41", {}, "/%C3%A9%20%2FA"),
        ("/", {}, "/"),
        ("", {}, ""),
    ],
)
def test_url_for(path, values, expected):
    resource = web.Application().router.add_resource(path)
    assert str(resource.url_for(**values)) == expected


def test_url_for_wants_all_values():
    resource = web.Application().router.add_resource("/{a}/{b}")
    with pytest.raises(KeyError):
        resource.url_for(a="1")


def test_url_for_with_a_query():
    resource = web.Application().router.add_resource("/{user}/info", name="user-info")
    assert str(resource.url_for(user="john").with_query("a=b")) == "/john/info?a=b"


def test_descriptions():
    router = web.Application().router
    plain = router.add_resource("/a", name="a")
    dynamic = router.add_resource(r"/get/{num:\d+}")
    assert (plain.canonical, plain.get_info()) == ("/a", {"path": "/a"})
    assert dynamic.canonical == "/get/{num}"
    assert dynamic.get_info()["formatter"] == "/get/{num}"
    assert dynamic.get_info()["pattern"].fullmatch("/get/12")["num"] == "12"
    assert repr(plain) == "<PlainResource 'a'  /a>"


def test_merging():
    router = web.Application().router
    assert router.add_resource("/a") is router.add_resource("/a")
    assert router.add_resource("/{x}") is router.add_resource("/{x}")
    assert router.add_resource("/{x}") is not router.add_resource("/{y}")
    assert router.add_resource("/a", name="a") is not router.add_resource("/a")


async def test_resolve():
    app = web.Application()

    async def handler(request):
        raise AssertionError

    route = app.router.add_route("GET", "/{a}", handler)
    resource = route.resource
    info, methods = await resource.resolve(make_request(app, "GET", "/b%2Fc"))
    assert (info, methods, info.route) == ({"a": "b/c"}, {"GET"}, route)
    assert await resource.resolve(make_request(app, "PUT", "/b")) == (None, {"GET"})
    assert await resource.resolve(make_request(app, "GET", "/b/c")) == (None, set())


def test_mounts():
    app, sub = web.Application(), web.Application()
    plain = sub.router.add_resource("")
    dynamic = sub.router.add_resource("/{x}")
    mount = app.add_subapp("/adm/", sub)
    assert (mount.canonical, plain.canonical, dynamic.canonical) == ("/adm", "/adm", "/adm/{x}")
    assert mount.get_info() == {"app": sub, "prefix": "/adm"}
    assert len(mount) == 0
    with pytest.raises(RuntimeError):
        mount.url_for()
    assert not mount.raw_match("/adm")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/a", "/a"),
        ("/a%20b", "/a b"),
        ("/%2f%25", "/%2F%25"),
        ("/%zz", "/%25zz"),
        ("/%", "/%25"),
        ("//x%41", "//xA"),
        ("/a/../%2e", "/a/../."),
    ],
)
def test_normal_path(given, expected):
    assert normal_path(given) == expected
    assert normal_path(normal_path(given)) == expected


@pytest.mark.parametrize(
    ("regex", "spans"),
    [
        (r"\d+", False),
        ("[a-z]{2,3}", False),
        ("[^/]+", False),
        ("(?:a|b)", False),
        (r"\w+\-\.x", False),
        ("[0-9a-f-]+", False),
        (".*", True),
        ("a/b", True),
        ("[^a]+", True),
        ("[+-9]", True),
        (r"\S+", True),
        (r"\D", True),
        (r"[\W]", True),
        (r"\x2f", True),
        (r"[\x2f]", True),
        (r"[^\x2f-]", True),
        ("(?=a)b", True),
        ("(?s:.)", True),
        ("^a", True),
        (r"[!-\]]", True),
    ],
)
def test_may_span_segments(regex, spans):
    assert may_span_segments(regex) is spans


def test_pattern_of_braces():
    pattern = parse_pattern(r"/{a:[^}]+}/{b:x{2}}")
    assert pattern.names == ("a", "b")
    assert pattern.regex.fullmatch("/q{/xx")
