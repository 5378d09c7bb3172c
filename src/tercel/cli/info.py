"""tercel info: what a report of a defect should begin with.

In: nothing. Out: versions of Python, Tercel and what it uses, whether it is compiled, the event
loop and the content codings that are there, as lines or as JSON.
"""

import json
import platform
import sys
from importlib import metadata, util
from typing import Any

import click

from tercel import COMPILED, __version__

__all__ = ("command",)

_PACKAGES = (
    *("yarl", "multidict", "aiosignal", "frozenlist", "aiohappyeyeballs", "uvloop"),
    *("aiodns", "brotli", "backports.zstd", "orjson", "jinja2", "gunicorn"),
    *("click", "rich", "watchfiles", "prometheus-client", "pyyaml"),
)
_CODINGS = {
    "gzip": ("zlib",),
    "deflate": ("zlib",),
    "br": ("brotli", "brotlicffi"),
    "zstd": ("compression.zstd", "backports.zstd"),
}


@click.command("info")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Versions, the build, and which codings are there."""
    facts = collect()
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {text or '-'}" for key, text in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        click.echo(f"{name + ':':<12}{value}")


def collect() -> dict[str, Any]:
    """The facts, ready for JSON."""
    uvloop = _version_of("uvloop")
    return {
        "tercel": __version__,
        "compiled": COMPILED,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "executable": sys.executable,
        "system": platform.platform(),
        "event loop": f"uvloop {uvloop}" if uvloop else "asyncio",
        "codings": [name for name, modules in _CODINGS.items() if any(map(_is_there, modules))],
        "packages": {name: _version_of(name) for name in _PACKAGES},
    }


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _is_there(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
