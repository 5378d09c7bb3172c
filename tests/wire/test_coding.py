"""gzip and deflate both ways, br and zstd one way: splits, members, bombs, and the choice."""

import gzip
import zlib

import brotli
import pytest

import tercel.wire.coding as room
from tercel.wire.coding import (
    _find_zstd,
    choose_coding,
    make_decoder,
    make_encoder,
    supported_codings,
)
from tercel.wire.errors import BadMessage, TruncatedMessage

PLAIN = b"".join(b"%d " % n for n in range(3000))


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


zstd = _find_zstd()
CODED = {
    "br": ("br", brotli.compress(PLAIN)),
    "br, stored": ("br", brotli.compress(PLAIN, quality=0)),
    "zstd": ("zstd", zstd.compress(PLAIN)),
    "zstd in frames": ("zstd", zstd.compress(PLAIN[:500]) + zstd.compress(PLAIN[500:])),
    "zstd with a skipped frame": (
        "zstd",
        zstd.compress(PLAIN[:9]) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd.compress(PLAIN[9:]),
    ),
    "gzip, then br": ("gzip, br", brotli.compress(gzip.compress(PLAIN))),
    "two fields": ("identity,zstd ,,DEFLATE", zlib.compress(zstd.compress(PLAIN))),
    "gzip three times": (
        "gzip,gzip,gzip",
        gzip.compress(gzip.compress(gzip.compress(PLAIN[:999]) + gzip.compress(PLAIN[999:]))),
    ),
    "gzip": ("gzip", gzip.compress(PLAIN)),
    "x-gzip": ("x-gzip", gzip.compress(PLAIN)),
    "gzip in members": ("gzip", gzip.compress(PLAIN[:500]) + gzip.compress(PLAIN[500:])),
    "gzip with padding": ("gzip", gzip.compress(PLAIN) + b"\0" * 40),
    "gzip, stored": ("gzip", gzip.compress(PLAIN, 0)),
    "deflate": ("deflate", zlib.compress(PLAIN)),
    "deflate, raw": ("deflate", raw_deflate(PLAIN)),
}


def decode(coding: str, data: bytes, split: int, room: int, ceiling: int | None = None) -> bytes:
    decoder = make_decoder(coding, ceiling)
    out = b""
    for start in range(0, len(data), split):
        piece = decoder.decode(data[start : start + split], room)
        assert len(piece) <= room
        out += piece
        while decoder.pending:
            piece = decoder.decode(b"", room)
            assert len(piece) <= room
            out += piece
    decoder.finish()
    return out


@pytest.mark.parametrize("split", [1, 7, 1000, 100_000])
@pytest.mark.parametrize("room", [1, 100, 1_000_000])
@pytest.mark.parametrize(("coding", "data"), CODED.values(), ids=CODED)
def test_any_split_and_any_room_give_the_same(
    coding: str, data: bytes, split: int, room: int
) -> None:
    assert decode(coding, data, split, room) == PLAIN


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("strategy", [None, zlib.Z_HUFFMAN_ONLY])
def test_what_is_encoded_is_decoded(coding: str, strategy: int | None) -> None:
    encoder = make_encoder(coding, strategy)
    data = encoder.encode(PLAIN[:100]) + encoder.encode(memoryview(PLAIN)[100:]) + encoder.finish()
    assert decode(coding, data, 64, 64) == PLAIN


def test_deflate_means_the_zlib_format() -> None:
    encoder = make_encoder("deflate")
    assert zlib.decompress(encoder.encode(b"abc") + encoder.finish()) == b"abc"


def test_the_strategy_is_heeded() -> None:
    sizes = set()
    for strategy in (None, zlib.Z_HUFFMAN_ONLY):
        encoder = make_encoder("gzip", strategy)
        sizes.add(len(encoder.encode(b"a" * 5000) + encoder.finish()))
    assert len(sizes) == 2


def test_an_empty_body_needs_no_coding() -> None:
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, br"):
        decoder = make_decoder(coding)
        assert decoder.decode(b"", 10) == b""
        decoder.finish()


@pytest.mark.parametrize(
    "name",
    ["gzip", "deflate", "gzip in members", "br", "zstd", "zstd in frames", "gzip, then br"],
)
def test_a_body_cut_short(name: str) -> None:
    coding, data = CODED[name]
    decoder = make_decoder(coding)
    decoder.decode(data[:-1], 1_000_000)
    with pytest.raises(TruncatedMessage, match="ended before its coding did"):
        decoder.finish()


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", b"not gzip at all"),
        ("gzip", gzip.compress(b"abc", mtime=0)[:-8] + b"\0" * 8),
        ("gzip", gzip.compress(b"abc", mtime=0) + b"garbage after"),
        ("deflate", b"\xff\xff\xff\xff"),
        ("deflate", zlib.compress(b"abc")[:-4] + b"\0\0\0\1"),
        ("deflate", zlib.compress(b"abc") + b"more"),
        ("br", b"\xff" * 40),
        ("br", brotli.compress(b"abc") + b"more"),
        ("zstd", b"not zstd at all"),
        ("zstd", zstd.compress(b"abc") + b"more"),
    ],
)
def test_a_body_that_is_not_in_its_coding(coding: str, data: bytes) -> None:
    decoder = make_decoder(coding)
    with pytest.raises(BadMessage, match=coding):
        decoder.decode(data, 1000)


PACKED = {
    "gzip": gzip.compress(b"\0" * 1000),
    "deflate": zlib.compress(b"\0" * 1000),
    "br": brotli.compress(b"\0" * 1000),
    "zstd": zstd.compress(b"\0" * 1000),
}


@pytest.mark.parametrize("coding", PACKED)
def test_the_ceiling_holds(coding: str) -> None:
    data = PACKED[coding]
    assert len(decode(coding, data, 10, 300, ceiling=1000)) == 1000
    with pytest.raises(BadMessage, match="grew beyond 999 bytes") as caught:
        decode(coding, data, 10, 300, ceiling=999)
    assert caught.value.status == 413


def test_beyond_the_ceiling_the_ratio_counts() -> None:
    plain = PLAIN * 20
    data = gzip.compress(plain)
    ratio = len(plain) // len(data)
    decoder = make_decoder("gzip", 1000, ratio + 1)
    assert decoder.decode(data, len(plain)) == plain
    decoder = make_decoder("gzip", 1000, ratio)
    with pytest.raises(BadMessage, match=f"beyond 1000 bytes .* beyond {ratio} times its size"):
        decoder.decode(data, len(plain))
    assert make_decoder("gzip", len(plain), 1).decode(data, len(plain)) == plain


def test_the_ratio_is_that_of_the_whole_chain() -> None:
    plain = b"\0" * 1_000_000
    data = gzip.compress(gzip.compress(plain))
    assert len(plain) / len(data) > 2000 > len(plain) / len(gzip.compress(plain))
    with pytest.raises(BadMessage, match="grew beyond"):
        decode("gzip, gzip", data, 10, 300, ceiling=100_000)
    decoder = make_decoder("gzip, gzip", 100_000, 2000)
    with pytest.raises(BadMessage, match="beyond 2000 times its size"):
        decoder.decode(data, len(plain))


def test_a_zstd_window_has_its_limit() -> None:
    """RFC 9659: 8 MiB."""
    wide = {zstd.CompressionParameter.window_log: 24}
    compressor = zstd.ZstdCompressor(options=wide)
    data = compressor.compress(bytes(2**24)) + compressor.flush()
    with pytest.raises(BadMessage, match="not valid zstd"):
        make_decoder("zstd").decode(data, 1000)


def test_a_brotli_that_can_not_stop_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_OPTIONAL", {"br": lambda: False, "zstd": lambda: False})
    with pytest.raises(ValueError, match="'br' is not known"):
        make_decoder("br")
    assert supported_codings() == ("gzip", "deflate")


def test_too_many_codings() -> None:
    make_decoder("gzip, gzip, gzip, gzip")
    with pytest.raises(ValueError, match="5 content codings"):
        make_decoder("gzip, gzip, gzip, gzip, gzip")


BOMBS = {
    "gzip": gzip.compress(b"\0" * 20_000_000),
    "br": brotli.compress(b"\0" * 20_000_000, quality=5),
    "zstd": zstd.compress(b"\0" * 20_000_000),
    "zstd, gzip": gzip.compress(zstd.compress(b"\0" * 20_000_000)),
}


@pytest.mark.parametrize("coding", BOMBS)
def test_a_bomb_is_never_unfolded_at_once(coding: str) -> None:
    bomb = BOMBS[coding]
    decoder = make_decoder(coding, 100_000)
    assert len(decoder.decode(bomb, 65_536)) == 65_536
    assert decoder.pending
    with pytest.raises(BadMessage, match="grew beyond"):
        decoder.decode(b"", 65_536)


def test_thousands_of_members_cost_no_more_than_their_bytes() -> None:
    for coding, member in (("gzip", gzip.compress(b"x")), ("zstd", zstd.compress(b"x"))):
        assert decode(coding, member * 20_000, 1_000_000, 1_000_000) == b"x" * 20_000


@pytest.mark.parametrize("make", [make_encoder, make_decoder])
def test_an_unknown_coding(make: object) -> None:
    with pytest.raises(ValueError, match="Content coding 'compress' is not known"):
        make("compress")  # type: ignore[operator]


def test_room_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_length must be positive"):
        make_decoder("gzip").decode(b"a", 0)


def test_supported_codings_can_be_decoded() -> None:
    assert supported_codings() == ("gzip", "deflate", "br", "zstd")
    for coding in supported_codings():
        make_decoder(coding)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate", "deflate"),
        ("deflate;q=0.1, gzip;q=0.9", "gzip"),
        ("deflate ; q=0.1 ,gzip ; q=0.9", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.000, deflate;q=0.001", "deflate"),
        ("identity", "identity"),
        ("identity, gzip", "gzip"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("br", "identity"),
        ("xgzip", "identity"),
        ("*", "deflate"),
        ("*;q=0", "identity"),
        ("gzip;q=0.5, *;q=0.4", "gzip"),
        ("gzip;q=0.5, *;q=0.6", "deflate"),
        ("deflate;q=0, *", "gzip"),
        ("identity;q=0", "identity"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=2", "identity"),
        ("gzip;q=x", "identity"),
        ("gzip;q=", "identity"),
        ("gzip;level=9", "identity"),
        (",,gzip,", "gzip"),
    ],
)
def test_choice(accepted: str, chosen: str) -> None:
    assert choose_coding(accepted, ("deflate", "gzip", "identity")) == chosen
