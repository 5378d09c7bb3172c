"""tercel new: the beginning of a project, which runs, tests and deploys at once.

In: a name. Out: a folder of that name with `app`, `requirements`, `tests`, `init`, `deploy`,
`run.py` and `README.md`, from the templates beside this module. Nothing that is there already is
overwritten.
"""

import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from tercel.cli.mistakes import Mistake, sentence_of

__all__ = ("command", "make_project")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
#: Modules of the project and of Python: one of that name would hide them, or be hidden.
_TAKEN = {"app", "init", "tests", "run", "tercel", "test"}
_SUFFIX = ".in"


@click.command("new")
@click.argument("name", metavar="NAME")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to put it; ./NAME by default."
)
def command(name: str, folder: Path | None) -> None:
    """Begin the project NAME in a folder of that name."""
    place = Path(name) if folder is None else folder
    count = make_project(name, place)
    click.echo(f"Made {count} files in {place}. Next:")
    click.echo(f"  cd {place} && python -m init.init_db && python run.py --reload")


def make_project(name: str, place: Path) -> int:
    """Write the project `name` into the folder `place`; the number of files.

    Mistake if the name is no name of a project, or the folder has something in it.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in _TAKEN:
        raise Mistake(
            f"{name!r} is no name for a project; expected small letters, digits and _, beginning "
            f"with a letter, and none of {', '.join(sorted(_TAKEN))}"
        )
    count = 0
    try:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise Mistake(f"{place} is there already, and not empty")
        for path, source in _walk(files("tercel.cli") / "project", Path()):
            text = _fill(source.read_text(encoding="utf-8"), name)
            target = place / _fill(str(path), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            count += 1
    except OSError as error:
        raise Mistake(
            f"{error.filename or place} can't be written: {sentence_of(error)}"
        ) from error
    return count


def _walk(folder: Traversable, path: Path) -> Iterator[tuple[Path, Traversable]]:
    """The templates below `folder` and the paths that their files will have."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _walk(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            yield path / (".gitignore" if name == "gitignore" else name), entry


def _fill(text: str, name: str) -> str:
    return text.replace("@NAME@", name).replace("@UPPER@", name.upper())
