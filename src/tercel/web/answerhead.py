"""AnswerHead: what may be changed until an answer's head is sent, and the mapping beside it.

In: status, reason, header fields, cookies, from a handler or a middleware. Out: properties, a
CIMultiDict that is made when it is asked for, Set-Cookie lines. Content-Type is kept as a plain
str until then. Never frames, never sends: `stream.py` does.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from multidict import CIMultiDict

from tercel.hdrs import CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, SET_COOKIE
from tercel.web.keys import ResponseKey
from tercel.web.outgoing import Outgoing

if TYPE_CHECKING:
    from datetime import datetime
    from http.cookies import SimpleCookie

    from tercel.wire.ranges import ETag

__all__ = ("AnswerHead", "Pairs", "read_length", "reason_phrase")

_V = TypeVar("_V")
Pairs = Mapping[str, str] | Iterable[tuple[str, str]]

OCTET_STREAM = "application/octet-stream"


_REASONS = {200: "OK", 204: "No Content", 302: "Found", 304: "Not Modified", 404: "Not Found"}


def reason_phrase(status: int) -> str:
    """The standard phrase of `status`, "" where the registry has none (RFC 9110 section 15)."""
    found = _REASONS.get(status)
    if found is None:
        from http import HTTPStatus

        found = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
        if found:
            _REASONS[status] = found
    return found


class AnswerHead(MutableMapping["str | ResponseKey[Any]", Any], Outgoing):
    """Status, header fields and cookies of an answer, and a mapping for sharing data.

    `headers` are copied, `_real_headers` are taken as they are. Equality is identity.
    """

    if not TYPE_CHECKING:
        __new__ = object.__new__  # not Outgoing's, which is not the one that Python would choose

    # Class-level defaults: an attribute is stored only when it differs.
    _status: int = 200
    _reason: str = "OK"
    _headers: "CIMultiDict[str] | None" = None
    _type: str | None = None  # Content-Type, as long as _headers is None
    _cookies: "SimpleCookie | None" = None
    _cookie_lines: tuple[str, ...] = ()
    _state: "dict[str | ResponseKey[Any], Any] | None" = None
    _chunked: bool = False
    _head_gone: bool = False
    _eof_sent: bool = False
    _is_plain: bool = True  # False once there may be more than a Content-Type and a body

    def __init__(
        self,
        *,
        status: int = 200,
        reason: str | None = None,
        headers: "Pairs | None" = None,
        _real_headers: "CIMultiDict[str] | None" = None,
    ) -> None:
        if _real_headers is not None:
            self._headers = _real_headers
        elif headers is not None:
            self._headers = CIMultiDict(headers)
        if status != 200 or reason is not None:
            self._set_status(status, reason)

    @property
    def status(self) -> int:
        """The HTTP status, 200 by default."""
        return self._status

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason

    def set_status(self, status: int, reason: str | None = None) -> None:
        """Set status and reason; without a reason the standard phrase.

        Raises RuntimeError once the head has been sent, ValueError for a reason with CR or LF.
        """
        self._refuse_late("the status")
        self._set_status(status, reason)

    def _set_status(self, status: int, reason: str | None) -> None:
        self._status = status = int(status)
        self._is_plain = False
        if reason is None:
            self._reason = reason_phrase(status)
        elif "\n" in reason or "\r" in reason:
            raise ValueError("Reason cannot contain \\r or \\n")
        else:
            self._reason = reason

    def _refuse_late(self, what: str) -> None:
        if self._head_gone or self._eof_sent:
            raise RuntimeError(f"Cannot change {what} after the headers have been sent")

    # Headers

    @property
    def headers(self) -> "CIMultiDict[str]":
        """The headers of this answer; they may be changed until `prepare()`."""
        headers = self._headers
        if headers is None:
            self._headers = headers = CIMultiDict()
            self._is_plain = False
            if self._type is not None:
                headers[CONTENT_TYPE] = self._type
        return headers

    @property
    def content_length(self) -> int | None:
        """Content-Length of this answer in octets, None where it is not set.

        Setting raises RuntimeError where chunked encoding is on, ValueError for less than 0.
        """
        headers = self._headers
        text = headers.get(CONTENT_LENGTH) if headers is not None else None
        return None if text is None else read_length(text)

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        self._set_content_length(value)

    def _set_content_length(self, value: int | None) -> None:
        self._refuse_late("the content length")
        if value is None:
            self.headers.pop(CONTENT_LENGTH, None)
            return
        if self._chunked:
            raise RuntimeError("You can't set content length when chunked encoding is enable")
        value = int(value)
        if value < 0:
            raise ValueError(f"A content length can't be negative, got {value}")
        self.headers[CONTENT_LENGTH] = str(value)

    def _content_type_value(self) -> str | None:
        headers = self._headers
        return self._type if headers is None else headers.get(CONTENT_TYPE)

    def _put_content_type(self, value: str) -> None:
        self._refuse_late("the content type")
        if self._headers is None:
            self._type = value
        else:
            self._headers[CONTENT_TYPE] = value

    @property
    def content_type(self) -> str:
        """The media type without parameters, "application/octet-stream" where none is set."""
        value = self._content_type_value()
        return OCTET_STREAM if value is None else _split_type(value)[0]

    @content_type.setter
    def content_type(self, value: str) -> None:
        current = self._content_type_value()
        parameters = {} if current is None else _split_type(current)[1]
        self._put_content_type(_join_type(str(value), parameters))

    @property
    def charset(self) -> str | None:
        """The charset parameter of Content-Type, None where there is none.

        Setting lower-cases it; None takes it away. Raises RuntimeError where the content type is
        "application/octet-stream".
        """
        value = self._content_type_value()
        return None if value is None else _split_type(value)[1].get("charset") or None

    @charset.setter
    def charset(self, value: str | None) -> None:
        current = self._content_type_value()
        kind, parameters = (OCTET_STREAM, {}) if current is None else _split_type(current)
        if kind == OCTET_STREAM:
            raise RuntimeError(
                "Setting charset for application/octet-stream doesn't make sense, "
                "setup content_type first"
            )
        parameters = dict(parameters)
        if value is None:
            parameters.pop("charset", None)
        else:
            parameters["charset"] = str(value).lower()
        self._put_content_type(_join_type(kind, parameters))

    @property
    def last_modified(self) -> "datetime | None":
        """Last-Modified in UTC, None where it is not set or not a date.

        Takes a `datetime` (naive means UTC), a Unix time (a fraction is rounded up), the header's
        text, or None to unset it. Raises TypeError for anything else.
        """
        from tercel.wire.dates import parse_http_date

        return parse_http_date(self.headers.get(LAST_MODIFIED))

    @last_modified.setter
    def last_modified(self, value: "datetime | float | str | None") -> None:
        from datetime import datetime

        from tercel.wire.dates import format_http_date

        self._refuse_late("Last-Modified")
        if value is None:
            self.headers.pop(LAST_MODIFIED, None)
        elif isinstance(value, int | float):
            self.headers[LAST_MODIFIED] = format_http_date(math.ceil(value))
        elif isinstance(value, datetime):
            self.headers[LAST_MODIFIED] = format_http_date(value)
        elif isinstance(value, str):
            self.headers[LAST_MODIFIED] = value
        else:
            raise TypeError(f"Unsupported type for last_modified: {type(value).__name__}")

    @property
    def etag(self) -> "ETag | None":
        """The entity tag, None where it is not set (RFC 9110 section 8.8.3).

        Takes an opaque tag without its quotes (strong), an `ETag`, or None to unset it. Raises
        ValueError for what is not an entity tag.
        """
        from tercel.wire.ranges import ETag

        text = self.headers.get(ETAG)
        if not text:
            return None
        if text == "*":
            return ETag(value="*", is_weak=False)
        is_weak = text.startswith("W/")
        opaque = text[2:] if is_weak else text
        if len(opaque) > 2 and opaque[0] == opaque[-1] == '"' and _is_opaque(opaque[1:-1]):
            return ETag(value=opaque[1:-1], is_weak=is_weak)
        return None

    @etag.setter
    def etag(self, value: "ETag | str | None") -> None:
        from tercel.wire.ranges import ETag

        self._refuse_late("ETag")
        if value is None:
            self.headers.pop(ETAG, None)
            return
        if isinstance(value, str):
            value = ETag(value=value, is_weak=False)
        elif not isinstance(value, ETag):
            raise ValueError(
                f"Unsupported etag type: {type(value)}. etag must be str, ETag or None"
            )
        if value.value == "*":
            self.headers[ETAG] = "*"
            return
        if not _is_opaque(value.value):
            raise ValueError(f"Value {value.value!r} is not a valid etag. Maybe it contains '\"'?")
        self.headers[ETAG] = f'W/"{value.value}"' if value.is_weak else f'"{value.value}"'

    # Cookies

    @property
    def cookies(self) -> "SimpleCookie":
        """The cookies that this answer sets."""
        cookies = self._cookies
        if cookies is None:
            from tercel.web.setcookie import ResponseCookies

            self._cookies = cookies = ResponseCookies()
            self._is_plain = False
        return cookies

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        expires: str | None = None,
        domain: str | None = None,
        max_age: int | str | None = None,
        path: str | None = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        version: str | int | None = None,
        samesite: str | None = None,
        partitioned: bool | None = None,
    ) -> None:
        """Set a cookie, in place of an earlier one of that name (RFC 6265 section 4.1).

        Raises `http.cookies.CookieError` for a name that is no token, ValueError for an attribute
        with a semicolon or a control character, RuntimeError once the head has been sent.
        """
        from tercel.web.setcookie import make_morsel

        self._refuse_late("the cookies")
        self.cookies[name] = make_morsel(
            name,
            value,
            {
                "expires": expires,
                "domain": domain,
                "max-age": max_age,
                "path": path,
                "secure": secure,
                "httponly": httponly,
                "version": version,
                "samesite": samesite,
                "partitioned": partitioned,
            },
        )

    def del_cookie(
        self,
        name: str,
        *,
        domain: str | None = None,
        path: str = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        samesite: str | None = None,
    ) -> None:
        """Tell the client to forget a cookie; `domain` and `path` as it was set with."""
        self.set_cookie(
            name,
            "",
            max_age=0,
            expires="Thu, 01 Jan 1970 00:00:00 GMT",
            domain=domain,
            path=path,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
        )

    def _put_cookies(self, headers: "CIMultiDict[str]") -> None:
        """Bring Set-Cookie in step with `cookies`; lines of other origin stay."""
        if not self._cookies:
            return
        from tercel.web.setcookie import cookie_lines

        lines = cookie_lines(self._cookies)
        known = self._cookie_lines
        if lines == known:
            return
        kept = [line for line in headers.popall(SET_COOKIE, ()) if line not in known]
        for line in (*kept, *lines):
            headers.add(SET_COOKIE, line)
        self._cookie_lines = lines

    # The mapping

    @overload
    def __getitem__(self, key: ResponseKey[_V]) -> _V: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: "str | ResponseKey[Any]") -> Any:
        if self._state is None:
            raise KeyError(key)
        return self._state[key]

    @overload
    def __setitem__(self, key: ResponseKey[_V], value: _V) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...
    def __setitem__(self, key: "str | ResponseKey[Any]", value: Any) -> None:
        if self._state is None:
            self._state = {}
        self._state[key] = value

    def __delitem__(self, key: "str | ResponseKey[Any]") -> None:
        if self._state is None:
            raise KeyError(key)
        del self._state[key]

    def __len__(self) -> int:
        return 0 if self._state is None else len(self._state)

    def __iter__(self) -> "Iterator[str | ResponseKey[Any]]":
        return iter(self._state or ())

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)


def read_length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"Content-Length must be decimal digits, got {text!r}")
    return int(text)


def _is_opaque(value: str) -> bool:
    """True for what may stand between the quotes of an entity tag (RFC 9110 section 8.8.3)."""
    return bool(value) and all(c == "!" or "\x23" <= c <= "\x7e" or c >= "\x80" for c in value)


def _split_type(value: str) -> "tuple[str, Mapping[str, str]]":
    from tercel.wire.media import parse_content_type

    return parse_content_type(value)


def _join_type(kind: str, parameters: Mapping[str, str]) -> str:
    from tercel.wire.media import quote_parameter

    return "; ".join(
        [kind, *(f"{name}={quote_parameter(text)}" for name, text in parameters.items())]
    )
