"""Bodies put into each coding: what independent decoders make of them, flushed or not."""

import gzip
import random
import zlib
from typing import Any

import brotli
import pytest

from tercel.wire.coding import make_decoder
from tercel.wire.encoders import encodable_codings, make_encoder
from tercel.wire.libraries import find_zstd

DECODE: dict[str, Any] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": find_zstd().decompress,
}


def test_all_are_there() -> None:
    assert set(encodable_codings()) == set(DECODE)


@pytest.mark.parametrize("coding", DECODE)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_pieces(coding: str, kind: Any) -> None:
    rng = random.Random(5)
    pieces = [rng.randbytes(rng.randrange(2000)) + b"tercel " * 50 for _ in range(30)]
    pieces.insert(3, b"")
    encoder = make_encoder(coding)
    out = b"".join(encoder.encode(kind(piece)) for piece in pieces) + encoder.finish()
    assert DECODE[coding](out) == b"".join(pieces)


@pytest.mark.parametrize("coding", DECODE)
def test_empty(coding: str) -> None:
    assert DECODE[coding](make_encoder(coding).finish()) == b""


@pytest.mark.parametrize("coding", DECODE)
def test_what_is_flushed_can_be_read(coding: str) -> None:
    encoder, decoder = make_encoder(coding), make_decoder(coding)
    for text in (b"first", b"", b"second" * 1000):
        out = encoder.encode(text) + encoder.flush()
        assert decoder.decode(out, 10_000) == text
    decoder.decode(encoder.finish(), 10_000)
    decoder.finish()


def test_a_strategy_is_zlibs() -> None:
    text = bytes(range(256)) * 40
    sizes = []
    for strategy in (None, zlib.Z_HUFFMAN_ONLY):
        encoder = make_encoder("deflate", strategy)
        sizes.append(len(encoder.encode(text) + encoder.finish()))
    assert sizes[0] < sizes[1] / 10


@pytest.mark.parametrize("coding", ["identity", "", "GZIP", "lzma", "gzip, br"])
def test_unknown(coding: str) -> None:
    with pytest.raises(ValueError, match="is not known, only gzip, deflate, br, zstd"):
        make_encoder(coding)
