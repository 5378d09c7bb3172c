"""Names for the types that the interface takes and gives, for annotations in applications.

Loose types say what is accepted: a `LooseHeaders` may be a mapping or pairs. Requests and
responses are `Any` here, for this module stands below both the client and the server.
"""

import json
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Union

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy, istr
from yarl import URL
from yarl import Query as _Query

if TYPE_CHECKING:
    from http.cookies import BaseCookie, Morsel

Query = _Query

DEFAULT_JSON_ENCODER = json.dumps
DEFAULT_JSON_DECODER = json.loads

Byteish = bytes | bytearray | memoryview
JSONEncoder = Callable[[Any], str]
JSONBytesEncoder = Callable[[Any], bytes]
JSONDecoder = Callable[[str], Any]
LooseHeaders = (
    Mapping[str, str]
    | Mapping[istr, str]
    | CIMultiDict[str]
    | CIMultiDictProxy[str]
    | MultiDict[str]
    | MultiDictProxy[str]
    | Iterable[tuple[str | istr, str]]
)
RawHeaders = tuple[tuple[bytes, bytes], ...]
StrOrURL = str | URL
PathLike = str | os.PathLike[str]

LooseCookiesMappings = Mapping[str, Union[str, "BaseCookie[str]", "Morsel[Any]"]]
LooseCookiesIterables = Iterable[tuple[str, Union[str, "BaseCookie[str]", "Morsel[Any]"]]]
LooseCookies = Union[LooseCookiesMappings, LooseCookiesIterables, "BaseCookie[str]"]

Handler = Callable[[Any], Awaitable[Any]]


class Middleware(Protocol):
    """A coroutine function that gets a request and the handler that comes after it."""

    def __call__(self, request: Any, handler: Handler) -> Awaitable[Any]: ...
