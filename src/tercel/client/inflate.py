"""What undoes the content codings of an answer, within the limits of its request.

In: an answer's head, how the request wants it read. Out: a decoder, or None where the body stays as
it is. Never reads a body.
"""

from __future__ import annotations

from typing import Any

from tercel.client.options import ReadOptions
from tercel.wire.coding import make_decoder
from tercel.wire.h1.head import ResponseHead

__all__ = ("find_decoder",)


def find_decoder(head: ResponseHead, options: ReadOptions) -> Any:
    """The decoder for the answer's content codings; None where they can't be decoded."""
    coding = ",".join(head.headers.getall("Content-Encoding", ()))
    free = None if options.max_inflation is None else options.free_inflation
    try:
        return make_decoder(coding, free, options.max_inflation)
    except ValueError:
        return None
