"""abc.rst and structures.rst: abstract classes that users implement, and common structures."""

import pytest

from tests.documented.subject import load


@pytest.mark.parametrize(
    ("name", "methods"),
    [
        ("AbstractRouter", {"resolve"}),
        (
            "AbstractMatchInfo",
            {
                "handler",
                "expect_handler",
                "http_exception",
                "get_info",
                "apps",
                "add_app",
                "freeze",
            },
        ),
        ("AbstractView", {"__await__"}),
        (
            "AbstractCookieJar",
            {"clear", "clear_domain", "update_cookies", "filter_cookies", "__iter__", "__len__"},
        ),
        ("AbstractAccessLogger", {"log"}),
        ("AbstractResolver", {"resolve", "close"}),
        (
            "AbstractStreamWriter",
            {
                "write",
                "write_eof",
                "drain",
                "write_headers",
                "enable_compression",
                "enable_chunking",
            },
        ),
    ],
)
def test_abstract_methods(name, methods):
    kind = getattr(load("abc"), name)
    assert kind.__abstractmethods__ >= methods
    for method in methods:
        assert getattr(kind, method) is not None


def test_collections():
    from collections.abc import Iterable, Sized

    kind = load("abc").AbstractCookieJar
    assert issubclass(kind, Sized)
    assert issubclass(kind, Iterable)


def test_view_keeps_its_request():
    class View(load("abc").AbstractView):
        def __await__(self):
            yield

    request = object()
    assert View(request).request is request


async def test_own_router(serve, web):
    abc = load("abc")

    async def answer(request):
        return web.Response(text="mine")

    class Match(abc.AbstractMatchInfo):
        def __init__(self):
            self._apps = []

        @property
        def handler(self):
            return answer

        @property
        def expect_handler(self):
            async def nothing(request):
                pass

            return nothing

        @property
        def http_exception(self):
            return None

        def get_info(self):
            return {}

        @property
        def apps(self):
            return tuple(self._apps)

        def add_app(self, app):
            self._apps.insert(0, app)

        def freeze(self):
            pass

    class Router(abc.AbstractRouter):
        async def resolve(self, request):
            return Match()

    with pytest.warns(DeprecationWarning):
        app = web.Application(router=Router())
    assert isinstance(app.router, Router)
    assert (await (await serve(app)).get("/anything")).text == "mine"


def test_resolve_result():
    kind = load("abc").ResolveResult
    assert set(kind.__annotations__) == {"hostname", "host", "port", "family", "proto", "flags"}


# structures.rst


def test_chain_map_proxy(aiohttp):
    from collections.abc import Mapping

    proxy = aiohttp.ChainMapProxy([{"a": 1, "b": 2}, {"a": 3, "c": 4}])
    assert isinstance(proxy, Mapping)
    assert (proxy["a"], proxy["b"], proxy["c"]) == (1, 2, 4)
    assert proxy.get("d") is None
    assert proxy.get("d", 5) == 5
    assert "c" in proxy
    assert "d" not in proxy
    assert len(proxy) == 3
    assert sorted(proxy) == ["a", "b", "c"]
    assert bool(proxy)
    assert not aiohttp.ChainMapProxy([{}, {}])
    with pytest.raises(KeyError):
        proxy["d"]
    with pytest.raises(TypeError):
        proxy["a"] = 1


def test_chain_map_proxy_sees_changes(aiohttp):
    first = {}
    proxy = aiohttp.ChainMapProxy([first, {"a": 1}])
    first["a"] = 2
    assert proxy["a"] == 2


def test_chain_map_proxy_with_app_keys(aiohttp, web):
    key = web.AppKey("key", int)
    assert aiohttp.ChainMapProxy([{}, {key: 5}])[key] == 5


def test_etag(aiohttp):
    tag = aiohttp.ETag("abc")
    assert (tag.value, tag.is_weak) == ("abc", False)
    assert aiohttp.ETag("abc", is_weak=True).is_weak
    assert aiohttp.ETag("a") == aiohttp.ETag("a")
    assert aiohttp.ETag("a") != aiohttp.ETag("a", True)


def test_http_versions(aiohttp):
    assert aiohttp.HttpVersion11 == aiohttp.HttpVersion(1, 1)
    assert aiohttp.HttpVersion10 < aiohttp.HttpVersion11
    assert (aiohttp.HttpVersion11.major, aiohttp.HttpVersion11.minor) == (1, 1)


def test_hdrs():
    hdrs = load("hdrs")
    assert hdrs.CONTENT_TYPE == "Content-Type"
    assert hdrs.METH_GET == "GET"
    assert hdrs.ETAG == "Etag" or hdrs.ETAG == "ETag"
    assert {"X-Forwarded-For": 1}[hdrs.X_FORWARDED_FOR] == 1
    assert hdrs.METH_ANY == "*"


def test_content_coding(web):
    known = {each.name: each.value for each in web.ContentCoding}
    for name in ("deflate", "gzip", "identity"):
        assert known[name] == name
