"""Masking: every size, every phase, both builds against the definition."""

import pytest

from tercel.wire.ws.mask import apply_mask, turn_key
from tests.twins import load_twins

KEY = b"\x37\xfa\x21\x3d"
TWINS = load_twins("tercel.wire.ws.mask")


def by_definition(data: bytes, key: bytes) -> bytes:
    return bytes(octet ^ key[i % 4] for i, octet in enumerate(data))


def test_the_example_of_the_rfc() -> None:
    assert apply_mask(b"\x7f\x9f\x4d\x51\x58", 0, 5, KEY) == b"Hello"


@pytest.mark.parametrize("room", TWINS)
def test_sizes_and_places(room: object) -> None:
    data = bytes(range(256)) * 2
    for start in range(6):
        for size in [*range(20), 63, 64, 65, 300]:
            part = data[start : start + size]
            found = room.apply_mask(data, start, start + size, KEY)  # type: ignore[attr-defined]
            assert found == by_definition(part, KEY)
    assert data == bytes(range(256)) * 2


def test_masking_twice_is_nothing() -> None:
    data = b"some octets, \x00\xff"
    assert apply_mask(apply_mask(data, 0, len(data), KEY), 0, len(data), KEY) == data


def test_a_key_goes_on_behind_a_part() -> None:
    data = bytes(range(50))
    whole = by_definition(data, KEY)
    for cut in range(51):
        rest = apply_mask(data, cut, 50, turn_key(KEY, cut))
        assert by_definition(data[:cut], KEY) + rest == whole


def test_single_octets_are_not_shared() -> None:
    apply_mask(b"a", 0, 1, b"\xff\xff\xff\xff")
    assert b"a"[0] == 97
    assert bytes([97]) == b"a"


@pytest.mark.parametrize("room", TWINS)
@pytest.mark.parametrize(
    ("start", "end", "key"), [(0, 4, KEY), (-1, 2, KEY), (0, 3, b"abc"), (0, 3, b"abcde")]
)
def test_what_is_not_there_is_refused(room: object, start: int, end: int, key: bytes) -> None:
    with pytest.raises(ValueError):
        room.apply_mask(b"abc", start, end, key)  # type: ignore[attr-defined]
