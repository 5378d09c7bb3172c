"""Forms: name and value pairs on their way to becoming a body.

In: a mapping, pairs, files, or fields added one by one. Out: calling the form gives its payload:
application/x-www-form-urlencoded as long as every field is plain, multipart/form-data from the
first file or the first field with options on (client_reference, "FormData").
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from multidict import MultiDict, MultiDictProxy

from tercel.content.payload import BytesPayload, Payload, PayloadLookupError, get_payload

__all__ = ("FormData", "FormField")

_URLENCODED = "application/x-www-form-urlencoded"


class FormField(NamedTuple):
    """One field as it was added; the last three are None for a plain one."""

    name: str
    value: Any
    content_type: str | None
    filename: str | None
    transfer_encoding: str | None


class FormData:
    """A form to send.

    `fields`: a mapping, a list or tuple as for `add_fields`, a file, or a MultiDict.
    `quote_fields`: escape names and file names in multipart headers. `charset`: of names and
    values, utf-8 by default. `default_to_multipart`: multipart/form-data even where every field is
    plain.
    """

    def __init__(
        self,
        fields: Any = (),
        quote_fields: bool = True,
        charset: str | None = None,
        *,
        default_to_multipart: bool = False,
    ) -> None:
        self._fields: list[FormField] = []
        self._is_multipart = default_to_multipart
        self._quote_fields = quote_fields
        self._charset = charset
        self._made: tuple[int, Payload] | None = None
        if isinstance(fields, Mapping) and not isinstance(fields, (MultiDict, MultiDictProxy)):
            self.add_fields(*fields.items())
        elif isinstance(fields, (list, tuple)):
            self.add_fields(*fields)
        else:
            self.add_fields(fields)

    @property
    def is_multipart(self) -> bool:
        """True once the form needs multipart/form-data."""
        return self._is_multipart

    def add_field(
        self,
        name: str,
        value: Any,
        *,
        content_type: str | None = None,
        filename: str | None = None,
        content_transfer_encoding: str | None = None,
    ) -> None:
        """Add one field; any of the options, a file, or octets make the form multipart.

        A file's own name is its file name, and the field's name is that of octets, where none is
        given. TypeError for an option that is no str, ValueError for one with a line break.
        """
        if isinstance(value, io.IOBase):
            self._is_multipart = True
            if filename is None:
                filename = _file_name(value) or name
        elif isinstance(value, (bytes, bytearray, memoryview)):
            if filename is None and content_transfer_encoding is None:
                filename = name
        for what, option in (
            ("content_type", content_type),
            ("filename", filename),
            ("content_transfer_encoding", content_transfer_encoding),
        ):
            if option is None:
                continue
            if not isinstance(option, str):
                raise TypeError(f"{what} must be an instance of str. Got: {option!r}")
            if what != "filename" and ("\r" in option or "\n" in option):
                raise ValueError(f"{what} is {option!r}, expected text without line breaks")
            self._is_multipart = True
        self._fields.append(
            FormField(name, value, content_type, filename, content_transfer_encoding)
        )

    def add_fields(self, *fields: Any) -> None:
        """Add files, MultiDicts and (name, value) pairs; TypeError for anything else."""
        for field in fields:
            if isinstance(field, io.IOBase):
                self.add_field(_file_name(field) or "unknown", field)
            elif isinstance(field, (MultiDict, MultiDictProxy)):
                for name, value in field.items():
                    self.add_field(name, value)
            elif isinstance(field, (list, tuple)) and len(field) == 2:
                self.add_field(*field)
            else:
                raise TypeError(
                    "Only io.IOBase, multidict and (name, file) pairs allowed, use .add_field() "
                    f"for passing more complex parameters, got {field!r}"
                )

    def __call__(self) -> Payload:
        """The body that the form makes; a multipart one is the same until a field is added."""
        if self._is_multipart:
            return self._multipart()
        charset = self._charset or "utf-8"
        pairs = [(field.name, field.value) for field in self._fields]
        body = urlencode(pairs, doseq=True, encoding=charset).encode()
        content_type = _URLENCODED if charset == "utf-8" else f"{_URLENCODED}; charset={charset}"
        return BytesPayload(body, content_type=content_type)

    def _multipart(self) -> Payload:
        # One payload for every sending: it knows where its files began.
        if self._made is None or self._made[0] != len(self._fields):
            from tercel.content.assembly import MultipartWriter

            writer = MultipartWriter("form-data")
            for field in self._fields:
                writer.append_payload(self._make_part(field))
            self._made = (len(self._fields), writer)
        return self._made[1]

    def _make_part(self, field: FormField) -> Payload:
        from tercel.content.dispositions import format_form_disposition

        options: dict[str, Any] = {"filename": field.filename, "content_type": field.content_type}
        if isinstance(field.value, io.IOBase):
            options["disposition"] = None
        elif isinstance(field.value, str):
            options["encoding"] = self._charset
        try:
            part = get_payload(field.value, **options)
        except PayloadLookupError:
            raise TypeError(
                f"the field {field.name!r} is {field.value!r}, expected str, bytes or a file"
            ) from None
        part.headers["Content-Disposition"] = format_form_disposition(
            field.name, field.filename, self._quote_fields, self._charset or "utf-8"
        )
        if field.transfer_encoding is not None:
            part.headers["Content-Transfer-Encoding"] = field.transfer_encoding
        return part


def _file_name(file: Any) -> str | None:
    name = getattr(file, "name", None)
    if isinstance(name, str) and name and not (name.startswith("<") and name.endswith(">")):
        return os.path.basename(name)
    return None
