"""The page that lists a directory."""

import os
import pathlib

import pytest

from tercel.web import listing
from tercel.web.listing import format_size, make_listing


def show(path: pathlib.Path, base: str = "/s", has_parent: bool = False) -> str:
    return make_listing(str(path), base, has_parent, lambda entry: entry.name != "hidden")


def test_order_sizes_and_times(tmp_path: pathlib.Path) -> None:
    (tmp_path / "zoo").mkdir()
    (tmp_path / "hidden").touch()
    for name, size in (("b", 0), ("a c", 1234)):
        (tmp_path / name).write_bytes(b"x" * size)
        os.utime(tmp_path / name, (1_700_000_000, 1_700_000_000))
    (tmp_path / "broken").symlink_to("none")
    page = show(tmp_path)
    places = [page.index(text) for text in (">zoo/<", ">a c<", ">b<", ">broken<")]
    assert places == sorted(places)
    assert 'href="/s/a%20c"' in page
    assert "1.2 KB" in page
    assert "2023-11-14 22:13" in page
    assert "hidden" not in page
    assert "../" not in page


def test_the_way_up(tmp_path: pathlib.Path) -> None:
    assert 'href="/s/%3Cx%3E/">../' in show(tmp_path, "/s/<x>/y", True)
    page = show(tmp_path, "")
    assert "<title>Index of /</title>" in page
    assert "There is nothing here" in page


def test_more_than_are_shown(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_LISTED", 3)
    for name in "edcba":
        (tmp_path / name).touch()
    (tmp_path / "z").mkdir()
    page = show(tmp_path)
    assert page.count("<tr><td>") == 3
    assert page.index(">z/<") < page.index(">a<") < page.index(">b<")
    assert "3 more are not shown" in page


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (999_499, "999 KB"), (999_500, "1.0 MB"),
     (99_400, "99.4 KB"), (123_456_789, "123 MB"), (10**18, "1000 PB")],
)  # fmt: skip
def test_sizes(size: int, text: str) -> None:
    assert format_size(size) == text
