"""Digest authentication as a middleware (client_reference, "DigestAuthMiddleware"; RFC 7616).

In: login and password; requests on their way; challenges that come back. Out: Authorization fields,
for the origin of the first request and for what it declares to be one space with it. Other origins
never see a field made from the password. A body that can't be sent twice is sent once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping

from yarl import URL

from tercel.client.auth import check_credentials
from tercel.client.errors import ClientError
from tercel.client.middleware import ClientHandlerType
from tercel.client.request import ClientRequest
from tercel.client.response import ClientResponse
from tercel.client.retry import can_replay
from tercel.content.payload import BytesPayload
from tercel.wire.challenges import parse_challenges, quote_string

__all__ = ("DigestAuthMiddleware", "DigestSpace", "read_challenge")

#: Hash by the algorithm's name without "-sess"; both spellings of SHA-2 are about.
ALGORITHMS = {
    "MD5": "md5",
    "SHA": "sha1",
    "SHA-256": "sha256",
    "SHA256": "sha256",
    "SHA-512": "sha512",
    "SHA512": "sha512",
    "SHA-512-256": "sha512_256",
}
#: URIs of a `domain` parameter that are heeded.
MAX_SPACES = 64


class DigestSpace:
    """A challenge and the count of answers to it.

    `origin` and `prefixes` say where it may be answered without being asked.
    """

    __slots__ = (
        "_count",
        "_hash",
        "algorithm",
        "is_session",
        "nonce",
        "opaque",
        "origin",
        "prefixes",
        "qop",
        "realm",
        "userhash",
    )

    def __init__(self, parameters: Mapping[str, str], url: URL) -> None:
        self.realm = parameters["realm"]
        self.nonce = parameters["nonce"]
        self.opaque = parameters.get("opaque")
        self.algorithm = parameters.get("algorithm", "MD5")
        name = self.algorithm.upper()
        self.is_session = name.endswith("-SESS")
        self._hash = _find_hash(name.removesuffix("-SESS"))
        self.qop = _read_qop(parameters.get("qop", ""))
        self.userhash = parameters.get("userhash", "").lower() == "true"
        self.origin = url.origin()
        self.prefixes = _read_domain(parameters.get("domain", ""), url)
        self._count = 0

    def renew(self, nonce: str) -> None:
        """Go on with another nonce."""
        self.nonce = nonce
        self._count = 0

    def covers(self, url: URL) -> bool:
        """True if requests for `url` may be answered before they are challenged."""
        if not self.prefixes:
            return url.origin() == self.origin
        return any(_is_below(url, prefix) for prefix in self.prefixes)

    def answer(
        self,
        login: str,
        password: str,
        method: str,
        uri: str,
        body: bytes | None = None,
        *,
        cnonce: str | None = None,
    ) -> str:
        """The value of Authorization for one request (RFC 7616 section 3.4).

        `body` is needed for "auth-int", None where the octets are not at hand; `cnonce` is made
        by chance. Raises ValueError for control characters in what has to be quoted.
        """
        self._count += 1
        count = f"{self._count:08x}"
        cnonce = os.urandom(16).hex() if cnonce is None else cnonce
        qop = self._choose_qop(body)
        digest = self._digest
        secret = digest(f"{login}:{self.realm}:{password}")
        if self.is_session:
            secret = digest(f"{secret}:{self.nonce}:{cnonce}")
        asked = f"{method}:{uri}"
        if qop == "auth-int":
            asked += ":" + self._hash(body or b"")
        if qop:
            proof = digest(f"{secret}:{self.nonce}:{count}:{cnonce}:{qop}:{digest(asked)}")
        else:
            proof = digest(f"{secret}:{self.nonce}:{digest(asked)}")
        fields = [
            self._name(login),
            f"realm={quote_string(self.realm)}",
            f"nonce={quote_string(self.nonce)}",
            f"uri={quote_string(uri)}",
            f'response="{proof}"',
            f"algorithm={self.algorithm}",
        ]
        if self.opaque is not None:
            fields.append(f"opaque={quote_string(self.opaque)}")
        if qop:
            fields += [f"qop={qop}", f"nc={count}"]
        if qop or self.is_session:
            fields.append(f'cnonce="{cnonce}"')
        if self.userhash:
            fields.append("userhash=true")
        return "Digest " + ", ".join(fields)

    def _digest(self, text: str) -> str:
        return self._hash(text.encode("utf-8", "surrogateescape"))

    def _name(self, login: str) -> str:
        if self.userhash:
            return f'username="{self._digest(f"{login}:{self.realm}")}"'
        return f"username={quote_string(login)}"

    def _choose_qop(self, body: bytes | None) -> str:
        """The better of what was offered, "" for the old way without."""
        if "auth-int" in self.qop and (body is not None or "auth" not in self.qop):
            return "auth-int"
        return "auth" if self.qop else ""


def _find_hash(name: str) -> Callable[[bytes], str]:
    known = ALGORITHMS.get(name)
    if known is None:
        raise ClientError(
            f"Digest auth error: Unsupported hash algorithm: {name[:100]}. "
            f"Supported algorithms: {', '.join(ALGORITHMS)}"
        )

    def compute(data: bytes) -> str:
        return hashlib.new(known, data, usedforsecurity=False).hexdigest()

    try:
        compute(b"")
    except ValueError:
        raise ClientError(
            f"Digest auth error: this build of OpenSSL lacks the hash {known}"
        ) from None
    return compute


def _read_qop(text: str) -> frozenset[str]:
    offered = frozenset(piece.strip().lower() for piece in text.split(",")) - {""}
    known = offered & {"auth", "auth-int"}
    if offered and not known:
        raise ClientError(
            f"Digest auth error: Unsupported Quality of Protection (qop) value(s): {text[:100]}"
        )
    return known


def _read_domain(text: str, url: URL) -> tuple[URL, ...]:
    prefixes = []
    for piece in text.split()[:MAX_SPACES]:
        try:
            prefix = url.join(URL(piece))
        except ValueError:
            continue
        if prefix.scheme in ("http", "https") and prefix.raw_host:
            prefixes.append(prefix)
    return tuple(prefixes)


def _is_below(url: URL, prefix: URL) -> bool:
    if url.origin() != prefix.origin():
        return False
    path, start = url.raw_path, prefix.raw_path
    return path == start or path.startswith(start if start.endswith("/") else start + "/")


def read_challenge(values: list[str], url: URL) -> tuple[DigestSpace, bool] | None:
    """The first Digest challenge that can be answered, and whether it calls the old nonce stale.

    `values` are those of WWW-Authenticate. None where there is no Digest challenge; ClientError
    where there are some and none can be answered.
    """
    failure: ClientError | None = None
    for value in values:
        for scheme, parameters in parse_challenges(value):
            if scheme != "digest":
                continue
            try:
                _check_challenge(parameters)
                space = DigestSpace(parameters, url)
            except ClientError as error:
                failure = failure or error
                continue
            return space, parameters.get("stale", "").lower() == "true"
    if failure is not None:
        raise failure
    return None


def _check_challenge(parameters: Mapping[str, str]) -> None:
    for name in ("realm", "nonce"):
        if name not in parameters:
            raise ClientError(f"Malformed Digest auth challenge: Missing '{name}' parameter")
    if not parameters["nonce"]:
        raise ClientError("Security issue: Digest auth challenge contains empty 'nonce' value")


class DigestAuthMiddleware:
    """Answers Digest challenges of the origin that the first request goes to.

    With `preemptive`, requests to the same protection space bring their answer along before they
    are asked. Raises ValueError for a login that is None or holds a colon and for a password that
    is None; requests raise ClientError for a challenge that can't be answered. A request that
    has an Authorization field of another kind is left alone.
    """

    def __init__(self, login: str, password: str, preemptive: bool = True) -> None:
        check_credentials(login, password)
        quote_string(login)
        self._login = login
        self._password = password
        self._preemptive = preemptive
        self._anchor: URL | None = None
        self._space: DigestSpace | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self._anchor is None:
            self._anchor = request.url.origin()
        if not self._may_answer(request.url) or _has_other_authorization(request):
            return await handler(request)
        answered: str | None = None
        space = self._space
        if self._preemptive and space is not None and space.covers(request.url):
            answered = await self._authorize(request, space)
        response = await handler(request)
        for attempt in (1, 2):
            if response.status != 401:
                break
            space, stale = self._learn(request, response)
            if space is None or (answered == space.nonce and not stale):
                break
            if (attempt == 2 and not stale) or not can_replay(request):
                break
            response.release()
            answered = await self._authorize(request, space)
            response = await handler(request)
        self._renew(response)
        return response

    def _may_answer(self, url: URL) -> bool:
        if url.origin() == self._anchor:
            return True
        return self._space is not None and self._space.covers(url)

    def _learn(
        self, request: ClientRequest, response: ClientResponse
    ) -> tuple[DigestSpace | None, bool]:
        """What a 401 answer asks for; the anchor alone says which space it is for."""
        try:
            found = read_challenge(response.headers.getall("WWW-Authenticate", []), request.url)
        except ClientError:
            response.release()
            raise
        if found is None:
            return None, False
        space, stale = found
        if request.url.origin() == self._anchor:
            self._space = space
        elif self._space is not None:
            space.origin, space.prefixes = self._space.origin, self._space.prefixes
            self._space = space
        return space, stale

    def _renew(self, response: ClientResponse) -> None:
        """Take up the nonce that the server wants to see next (RFC 7616 section 3.5)."""
        space = self._space
        if space is None or response.status == 401:
            return
        for value in response.headers.getall("Authentication-Info", []):
            for challenge in parse_challenges("Digest " + value):
                nonce = challenge.parameters.get("nextnonce")
                if nonce:
                    space.renew(nonce)

    async def _authorize(self, request: ClientRequest, space: DigestSpace) -> str:
        """Set the Authorization of `request`; the nonce that it answers."""
        body = request.body
        octets: bytes | None = None
        if "auth-int" in space.qop:
            if isinstance(body, bytes):
                octets = body
            elif isinstance(body, BytesPayload):
                octets = await body.as_bytes()
            elif "auth" not in space.qop:
                octets = await body.as_bytes()
                await request.update_body(octets)  # reading a stream once is all that it allows
        request.headers["Authorization"] = space.answer(
            self._login,
            self._password,
            request.method,
            request.url.raw_path_qs,
            octets,
        )
        return space.nonce


def _has_other_authorization(request: ClientRequest) -> bool:
    field = request.headers.get("Authorization")
    return field is not None and not field.startswith("Digest ")
