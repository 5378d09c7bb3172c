"""An application's name: `module:attribute`, found and explained.

In: what stands on the command line. Out: the application, or the function that makes one. A module
or an attribute that is not there and a syntax error are mistakes; what else a module raises goes
on to the caller with its traceback.
"""

import functools
import importlib
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tercel.cli.mistakes import Mistake
from tercel.web.runner import Runnable

__all__ = ("check_application", "check_target", "explain_syntax", "find_target")

#: What is looked for where only a module is named.
_USUAL = ("app", "make_app", "create_app", "init_app")


def find_target(text: str, folder: str = ".") -> Any:
    """What `text` names, with `folder` first on `sys.path`; Mistake if it names nothing.

    `module` alone means the first of app, make_app, create_app, init_app that it has; `module:a.b`
    is an attribute of an attribute.
    """
    module_name, colon, path = text.partition(":")
    if module_name.endswith(".py") or "/" in module_name or not module_name or (colon and not path):
        raise Mistake(f"{text!r} is no application; expected module:attribute, such as main:app")
    place = os.path.abspath(folder)
    if not os.path.isdir(place):
        raise Mistake(f"there is no folder {folder!r}")
    if place not in sys.path[:1]:
        sys.path.insert(0, place)
    module = _import(module_name)
    if not colon:
        for name in _USUAL:
            if hasattr(module, name):
                return getattr(module, name)
        raise Mistake(
            f"module {module_name!r} has none of {', '.join(_USUAL)}; "
            f"expected {module_name}:attribute"
        )
    found: Any = module
    for name in path.removesuffix("()").split("."):
        if not hasattr(found, name):
            raise Mistake(f"module {module_name!r} has no attribute {path!r}")
        found = getattr(found, name)
    return found


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(missing + "."):
            raise Mistake(f"there is no module {missing!r}") from error
        raise Mistake(f"module {name!r} needs {missing!r}, which is not installed") from error
    except SyntaxError as error:
        raise Mistake(explain_syntax(error)) from error


def explain_syntax(error: SyntaxError) -> str:
    """Where the error is, and what the line says."""
    name = error.filename or "the source"
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        name = str(path.relative_to(Path.cwd()))
    line = (error.text or "").strip()
    return f"{name}, line {error.lineno}: {error.msg}" + (f": {line}" if line else "")


def check_target(target: Any, text: str) -> Any:
    """`target`, unless it is a function that asks for arguments: then Mistake, for `text` named it.

    A function of one argument gets the arguments of the command line, as the `init_func` of
    `python -m tercel.web` does; there are none here.
    """
    if isinstance(target, Runnable) or not callable(target):
        return target
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return target
    asked = [
        each
        for each in signature.parameters.values()
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if not asked:
        return target
    if len(asked) == 1 and asked[0].name in ("argv", "args"):
        return functools.partial(target, [])
    names = ", ".join(each.name for each in asked)
    raise Mistake(f"{text!r} can't be called without arguments; it asks for {names}")


def check_application(made: Any, text: str) -> Any:
    """`made`, if it is an application; else Mistake, for `text` named it."""
    if isinstance(made, Runnable) and not isinstance(made, type):
        return made
    raise Mistake(
        f"{text!r} is to be a web.Application or to make one, but gives a {type(made).__name__}"
    )
