"""Family 27: a path can't be made into another host [CVE-2021-21330]."""

import pytest
from yarl import URL

from tercel import web
from tercel.client.errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError
from tercel.client.redirect import next_hop
from tests.web.ask import ask

PATHS = [
    "//evil.com",
    "//evil.com/",
    "///evil.com",
    "////evil.com//",
    "/\\evil.com",
    "/\\/evil.com",
    "//\\evil.com/x",
    "/%5cevil.com",
    "/%2fevil.com",
    "//evil.com/%2f..",
    "//user@evil.com:80/",
    "/http:/evil.com",
    "/http://evil.com",
]
WAYS = [
    {},
    {"merge_slashes": False},
    {"append_slash": False},
    {"append_slash": False, "remove_slash": True},
    {"append_slash": False, "remove_slash": True, "merge_slashes": False},
]


async def nothing(request: web.Request) -> web.Response:
    return web.Response(text="here")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("pattern", ["/{a:.*}/", "/{a:[^/]+}", "/{a}/{b:.*}"])
async def test_normalized_paths_stay_here(path: str, way: dict[str, bool], pattern: str) -> None:
    app = web.Application(middlewares=[web.normalize_path_middleware(**way)])
    app.router.add_get(pattern, nothing)
    app.freeze()
    try:
        response = await ask(app, "GET", path)
    except web.HTTPException as error:
        response = error
    if response.status not in (301, 302, 307, 308):
        return
    location = response.headers["Location"]
    assert location.startswith("/")
    assert location[1:2] not in ("/", "\\")
    assert "\\" not in location
    here = URL("http://here.example/")
    assert here.join(URL(location)).host == "here.example"


LOCATIONS = [
    ("//evil.example/x", "evil.example"),
    ("/\\evil.example", "one.example"),
    ("\\\\evil.example", "one.example"),
    ("/%2fevil.example", "one.example"),
    ("http:/evil.example", None),
    ("http:evil.example", None),
    ("http:///evil.example", None),
    ("https:", None),
    ("javascript:alert(1)", None),
    ("file:///etc/passwd", None),
    ("data:text/plain,x", None),
    ("http://[::1", None),
    ("http://a:99999/", None),
]


@pytest.mark.parametrize(("location", "host"), LOCATIONS)
def test_the_client_goes_where_location_says_and_nowhere_else(
    location: str, host: str | None
) -> None:
    here = URL("http://one.example/a")
    try:
        hop = next_hop("GET", here, 302, {"Location": location})
    except (InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError):
        assert host is None
    else:
        assert hop is not None
        assert hop.url.host == host
        assert hop.drops_secrets is (host != "one.example")
