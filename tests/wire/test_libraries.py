"""The library for gzip and deflate can be another one."""

import sys
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import tercel
from tercel.wire.coding import make_decoder
from tercel.wire.encoders import make_encoder
from tercel.wire.errors import BadMessage
from tercel.wire.libraries import find_brotli, find_zlib, find_zstd, has_zstd
from tercel.wire.ws.codes import WebSocketError
from tercel.wire.ws.deflate import Deflater, Inflater


@pytest.fixture(autouse=True)
def back_to_zlib() -> Iterator[None]:
    yield
    tercel.set_zlib_backend(zlib)


class Watched(ModuleType):
    """zlib under another name, with an error of its own."""

    class error(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("watched")
        self.used: list[str] = []

    def compressobj(self, *args: Any, **kwargs: Any) -> Any:
        self.used.append("compressobj")
        return zlib.compressobj(*args, **kwargs)

    def decompressobj(self, *args: Any, **kwargs: Any) -> Any:
        self.used.append("decompressobj")
        watched = self

        class Inner:
            inner = zlib.decompressobj(*args, **kwargs)

            def decompress(self, *given: Any) -> bytes:
                try:
                    return self.inner.decompress(*given)
                except zlib.error as error:
                    raise watched.error(str(error)) from None

            def __getattr__(self, name: str) -> Any:
                return getattr(self.inner, name)

        return Inner()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_another_backend(coding: str) -> None:
    assert find_zlib() is zlib
    backend = Watched()
    tercel.set_zlib_backend(backend)
    encoder = make_encoder(coding)
    out = encoder.encode(b"abc") + encoder.finish()
    decoder = make_decoder(coding)
    assert decoder.decode(out, 10) == b"abc"
    assert backend.used == ["compressobj", "decompressobj"]
    with pytest.raises(BadMessage, match=f"not valid {coding}"):
        make_decoder(coding).decode(b"\x08" + b"junk" * 9, 100)


def test_what_is_no_backend() -> None:
    with pytest.raises(TypeError, match="has no compressobj, decompressobj, error"):
        tercel.set_zlib_backend(sys)


def test_libraries_are_found() -> None:
    assert find_brotli() is not None
    assert find_zstd() is not None
    assert has_zstd()


def test_websockets_use_it_too() -> None:
    backend = Watched()
    tercel.set_zlib_backend(backend)
    inflater = Inflater(15, True)
    deflated = Deflater(15, True).deflate(b"Hello, Hello, Hello")
    assert inflater.inflate(deflated, True, 100) == b"Hello, Hello, Hello"
    assert backend.used == ["compressobj", "decompressobj"]
    with pytest.raises(WebSocketError):
        inflater.inflate(b"\xff\xff", True, 100)
