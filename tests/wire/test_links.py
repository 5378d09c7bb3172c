"""The Link field."""

import pytest

from tercel.wire.links import parse_links


@pytest.mark.parametrize(
    ("value", "links"),
    [
        ("<a>", [("a", {})]),
        (
            '<http://x/2>; rel=next, <http://x/>; rel="home start"',
            [("http://x/2", {"rel": "next"}), ("http://x/", {"rel": "home start"})],
        ),
        ('<a>; title="x, <y>; z"; REL=up', [("a", {"title": "x, <y>; z", "rel": "up"})]),
        ("<a,b>; rel=1", [("a,b", {"rel": "1"})]),
        ("<a>; rel=1; rel=2", [("a", {"rel": "1"})]),
        ("<a>; flag; x=1", [("a", {"x": "1"})]),
        ("<a>,<b>", [("a", {}), ("b", {})]),
        (" , <a> , ", [("a", {})]),
        ("a; rel=1, <b>", [("b", {})]),
        ("<a> b, <c>", [("c", {})]),
        ("<a", []),
        ("<>", [("", {})]),
        ("", []),
    ],
)
def test_links(value: str, links: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_links(value) == links


@pytest.mark.parametrize("piece", ["<", "<a>,", '<a>;x="', ",", ">", '"', "<a>;"])
def test_long_values_take_linear_time(piece: str) -> None:
    parse_links(piece * 100_000)
