"""What people typed, checked: a value, or one sentence for the page."""

import unicodedata
from collections.abc import Mapping
from typing import Any

__all__ = ("FormError", "read_line", "read_name", "read_password", "read_text", "spell_key")


class FormError(Exception):
    """What is wrong with a form, in one sentence for who filled it in."""


def read_line(form: Mapping[str, Any], field: str, label: str, longest: int) -> str:
    """One line without control characters, stripped; FormError for an empty or a longer one."""
    value = form.get(field)
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text.isprintable():
        raise FormError(f"The {label} has characters that can't be shown.")
    return _check_length(text, label, longest)


def read_text(form: Mapping[str, Any], field: str, label: str, longest: int) -> str:
    """Text of several lines, stripped; FormError for an empty or a longer one."""
    value = form.get(field)
    text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
    if "\0" in text:
        raise FormError(f"The {label} has characters that can't be shown.")
    return _check_length(text, label, longest)


def _check_length(text: str, label: str, longest: int) -> str:
    if not text:
        raise FormError(f"Please fill in the {label}.")
    if len(text) > longest:
        raise FormError(f"The {label} may have {longest} characters; this has {len(text)}.")
    return text


def read_name(form: Mapping[str, Any]) -> str:
    """A name to register or log in with."""
    return read_line(form, "name", "name", 40)


def read_password(form: Mapping[str, Any]) -> str:
    """A new password: 8 to 200 characters of any kind."""
    value = form.get("password")
    if not isinstance(value, str) or len(value) < 8:
        raise FormError("A password has at least 8 characters.")
    if len(value) > 200:
        raise FormError("A password has at most 200 characters.")
    return value


def spell_key(name: str) -> str:
    """One spelling for names that look the same."""
    return unicodedata.normalize("NFKC", name).casefold()[:120]
