"""Where redirects lead, and what they take along (families 27 and 28)."""

import pytest
from multidict import CIMultiDict
from yarl import URL

from tercel.client.errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError
from tercel.client.redirect import REDIRECTS, next_hop, strip_fields

HERE = URL("http://one.example/a/b?q=1")

METHODS = [
    ("POST", 301, "GET", True),
    ("POST", 302, "GET", True),
    ("POST", 303, "GET", True),
    ("POST", 307, "POST", False),
    ("POST", 308, "POST", False),
    ("PUT", 301, "PUT", False),
    ("PUT", 302, "PUT", False),
    ("PUT", 303, "GET", True),
    ("DELETE", 302, "DELETE", False),
    ("GET", 301, "GET", False),
    ("HEAD", 303, "HEAD", False),
    ("HEAD", 302, "HEAD", False),
]


@pytest.mark.parametrize(("method", "status", "then", "drops"), METHODS)
def test_method_and_body(method: str, status: int, then: str, drops: bool) -> None:
    hop = next_hop(method, HERE, status, {"Location": "/c"})
    assert hop is not None
    assert (hop.method, hop.drops_body) == (then, drops)


PLACES = [
    ("/c", "http://one.example/c"),
    ("c", "http://one.example/a/c"),
    ("../c", "http://one.example/c"),
    ("?z", "http://one.example/a/b?z"),
    ("//two.example/c", "http://two.example/c"),
    ("https://one.example/c", "https://one.example/c"),
    ("/c#part", "http://one.example/c#part"),
]


@pytest.mark.parametrize(("location", "place"), PLACES)
def test_place(location: str, place: str) -> None:
    hop = next_hop("GET", HERE, 302, {"Location": location})
    assert hop is not None
    assert str(hop.url) == place


SECRETS = [
    ("http://one.example/c", False),
    ("http://one.example:80/c", False),
    ("http://one.example:81/c", True),
    ("https://one.example/c", True),
    ("http://two.example/c", True),
    ("http://sub.one.example/c", True),
]


@pytest.mark.parametrize(("location", "drops"), SECRETS)
def test_secrets_stay_with_their_origin(location: str, drops: bool) -> None:
    hop = next_hop("GET", HERE, 302, {"Location": location})
    assert hop is not None
    assert hop.drops_secrets is drops


def test_fields_are_stripped() -> None:
    headers = CIMultiDict(
        [
            ("authorization", "a"),
            ("Authorization", "b"),
            ("COOKIE", "c"),
            ("Proxy-Authorization", "d"),
            ("Content-Type", "e"),
            ("Content-Length", "3"),
            ("Host", "one.example"),
            ("X-Own", "f"),
        ]
    )
    hop = next_hop("POST", HERE, 303, {"Location": "http://two.example/"})
    assert hop is not None
    strip_fields(headers, hop)
    assert list(headers) == ["X-Own"]


def test_https_to_http_is_another_origin() -> None:
    hop = next_hop("GET", URL("https://one.example/"), 302, {"Location": "http://one.example/"})
    assert hop is not None
    assert hop.drops_secrets


def test_fragment_is_inherited() -> None:
    hop = next_hop("GET", URL("http://one.example/#top"), 302, {"Location": "/c"})
    assert hop is not None
    assert hop.url.fragment == "top"


@pytest.mark.parametrize("location", ["ftp://x/", "file:///etc/passwd", "javascript:x"])
def test_other_schemes(location: str) -> None:
    with pytest.raises(NonHttpUrlRedirectClientError):
        next_hop("GET", HERE, 302, {"Location": location})


@pytest.mark.parametrize("location", ["http://", "http:///x", "http://[::1", "http://h:99999/"])
def test_broken_places(location: str) -> None:
    with pytest.raises(InvalidUrlRedirectClientError):
        next_hop("GET", HERE, 302, {"Location": location})


def test_no_redirect() -> None:
    assert next_hop("GET", HERE, 302, {}) is None
    for status in (200, 300, 304, 305, 306, 400):
        assert status not in REDIRECTS
        assert next_hop("GET", HERE, status, {"Location": "/c"}) is None


def test_requoting_can_be_turned_off() -> None:
    quoted = next_hop("GET", HERE, 302, {"Location": "/%30"})
    as_sent = next_hop("GET", HERE, 302, {"Location": "/%30"}, requote=False)
    assert quoted is not None
    assert as_sent is not None
    assert quoted.url.raw_path == "/0"
    assert as_sent.url.raw_path == "/%30"
