"""tercel.web.errors: what tests/documented does not say."""

import copy
import pickle

import pytest

from tercel import web


def test_copies():
    error = web.HTTPFound("/there", headers={"X-A": "b"})
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is web.HTTPFound
        assert again.headers == error.headers
        assert (again.status, str(again), again.location) == (302, "Found", "/there")


@pytest.mark.parametrize("text", ["/a\r\nX: y", "http://h/\nb"])
def test_a_location_has_no_line_breaks(text):
    try:
        location = web.HTTPFound(text).headers["Location"]
    except ValueError:
        return
    assert "\r" not in location
    assert "\n" not in location


def test_defaults():
    error = web.HTTPNotFound()
    assert (error.body, error.content_type, error.args) == (
        b"404: Not Found",
        "text/plain",
        ("Not Found",),
    )
    assert bool(error)
    assert web.HTTPNoContent().body is None
    assert web.HTTPNotFound(content_type="text/html").text == "404: Not Found"


def test_wrong_texts():
    with pytest.raises(TypeError):
        web.HTTPNotFound(text=5)
