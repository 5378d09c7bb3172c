"""Names of files that came from somewhere, made harmless: one component, plain, not too long."""

import unicodedata
from pathlib import PurePosixPath

__all__ = ["clean_name", "count_up"]

MAX_NAME = 180  # octets: file systems take 255, and a number or a suffix may follow
DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(10)
}
FORBIDDEN = dict.fromkeys(map(ord, '<>:"|?*'), "_")


def clean_name(name: str) -> str:
    """The last component of `name` without anything that a file system or a page could misread.

    Control and direction characters go, also dots and spaces at either end; what no system takes
    becomes "_". The suffix stays where the name is cut. Never empty: "file" where nothing is left.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    kept = [c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
    name = " ".join("".join(kept).translate(FORBIDDEN).split()).strip(". ")
    if name.partition(".")[0].rstrip().lower() in DEVICES:
        name = "_" + name
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > 20:
        suffix = ""
    stem = name.removesuffix(suffix)
    room = MAX_NAME - len(suffix.encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return (stem + suffix) or "file"


def count_up(name: str, number: int) -> str:
    """The name for the second, third ... file of that name: "a.txt", "a (2).txt"."""
    if number == 1:
        return name
    suffix = PurePosixPath(name).suffix
    return f"{name.removesuffix(suffix)} ({number}){suffix}"
