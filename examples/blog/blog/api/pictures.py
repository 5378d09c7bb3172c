"""Pictures that people upload: taken for what their first octets say, kept under names of ours."""

import asyncio
import secrets
import shutil
from pathlib import Path
from typing import Any

from tercel import web

from ..keys import SETTINGS
from .forms import FormError

LARGEST = 5 << 20  # octets
KINDS = ((b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"))
HINT = "A picture is a PNG, JPEG, GIF or WebP file."


async def save(request: web.Request, field: Any) -> str:
    """Keep the upload and return its name in the folder, "" where none was sent; FormError."""
    if not isinstance(field, web.FileField) or not field.filename:
        return ""
    size = field.file.seek(0, 2)
    field.file.seek(0)
    if size > LARGEST:
        raise FormError(f"A picture may have {LARGEST >> 20} MiB; this one has more.")
    ending = _find_ending(field.file.read(16))
    field.file.seek(0)
    name = secrets.token_urlsafe(16) + ending
    place = request.app[SETTINGS].uploads / name
    await asyncio.to_thread(_copy, field.file, place)
    return name


def _find_ending(start: bytes) -> str:
    for octets, ending in KINDS:
        if start.startswith(octets):
            return ending
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return ".webp"
    raise FormError(HINT)


def _copy(source: Any, place: Path) -> None:
    with place.open("xb") as file:
        shutil.copyfileobj(source, file)


def remove(request: web.Request, name: str | None) -> None:
    """Delete a picture that no post shows any more; "" is none."""
    if name:
        (request.app[SETTINGS].uploads / name).unlink(missing_ok=True)
