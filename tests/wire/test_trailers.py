"""Fields after a body: what may stand there."""

import pytest

from tercel.wire.trailers import FORBIDDEN_TRAILERS, MISPLACED_TRAILERS, check_trailers


def test_what_is_misplaced_is_forbidden() -> None:
    assert MISPLACED_TRAILERS < FORBIDDEN_TRAILERS


@pytest.mark.parametrize("name", sorted(FORBIDDEN_TRAILERS))
def test_forbidden(name: bytes) -> None:
    for spelled in (name.decode(), name.decode().upper(), name.decode().title()):
        with pytest.raises(ValueError, match="can't be a trailer"):
            check_trailers({"X-Sum": "1", spelled: "x"})


def test_permitted() -> None:
    check_trailers({"X-Sum": "1", "Content-Digest": "x", "Server-Timing": "x", "ETag": '"x"'})
    check_trailers({})
