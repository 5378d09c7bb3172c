"""The short way of a request on a connection that lies idle: one write, one wait, an answer.

In: a plan that asks for nothing of its own, and perhaps a call's own fields and small body. Out: an
exchange whose head and body are written, and the answer when its head is there; None where the long
way has to be taken. No request object, no connection object, no task; whatever the long way does
for such a request happens here as well.
"""

from typing import Any

from yarl import URL

from tercel.client.connection import BaseConnector
from tercel.client.errors import AnswerError, ClientResponseError
from tercel.client.exchange import Asker, Exchange
from tercel.client.fields import join_head
from tercel.client.options import RequestInfo
from tercel.client.plan import Plan
from tercel.client.redirect import REDIRECTS
from tercel.client.request import BODYLESS, TYPED, fields_of_no_body
from tercel.client.response import ClientResponse
from tercel.client.send import SMALL_BODY
from tercel.client.timeout import Deadlines
from tercel.content.jsontext import dump_text
from tercel.content.payload import PAYLOAD_REGISTRY, BytesPayload, StringPayload
from tercel.wire.h1.encode import encode_fields

__all__ = (
    "Ground",
    "Own",
    "answer_of",
    "begin",
    "failure_of",
    "find_plan",
    "find_way",
    "is_final",
    "whole_plan",
)

#: Calls without arguments of their own whose plan is kept.
_MAX_PLANS = 512
_TAKEN = frozenset(("allow_redirects", "data", "headers", "json"))
#: Fields of a call that decide about its framing, or that the long way reads.
_FRAMING = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_new: Any = object.__new__
_dump_text = dump_text
_KINDS: dict[type, Any] = {bytes: BytesPayload, str: StringPayload}
_TYPES: dict[type, bytes] = {
    bytes: b"Content-Type: application/octet-stream\r\n",
    str: b"Content-Type: text/plain; charset=utf-8\r\n",
}
_JSON = b"Content-Type: application/json\r\n"


class Ground:
    """What of a session each request by the short way asks for, looked up once.

    `may_be_short` is False where the session has something to do about every request.
    """

    __slots__ = ("deadlines", "jar", "loop", "may_be_short", "plans", "time", "traces")

    def __init__(self, session: Any, deadlines: Deadlines, may_be_short: bool) -> None:
        self.deadlines = deadlines
        self.may_be_short = may_be_short
        self.jar = session._cookie_jar
        self.loop = session._loop
        self.time = session._loop.time
        self.plans: dict[tuple[str, str | URL, bool], Plan] = {}
        self.traces = session._trace_configs


class Way:
    """What of a plan the short way asks for."""

    __slots__ = ("defaults", "key", "method", "plan", "read", "response_class", "target", "total")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.method = plan.method
        self.read = plan.read
        self.target = plan.target
        self.key = plan.target.find_key()
        self.defaults = plan.defaults
        self.total = plan.timeout.total or 0.0
        self.response_class = plan.session._response_class


class Own:
    """What one call has of its own: fields, a small body; `whole` is the plan made of them."""

    __slots__ = ("_json", "kwargs", "method", "plan", "session", "url")

    def __init__(
        self, plan: Plan, session: Any, method: str, url: str | URL, kwargs: dict[str, Any]
    ) -> None:
        self.plan = plan
        self.session = session
        self.method = method
        self.url = url
        self.kwargs = kwargs
        self._json: bytes | None = None

    def whole_kwargs(self) -> dict[str, Any]:
        """The call's arguments; what was turned into JSON once stays as it was."""
        if self._json is None:
            return self.kwargs
        payload = BytesPayload(self._json, content_type="application/json")
        return {**self.kwargs, "json": None, "data": payload}

    @property
    def request_info(self) -> RequestInfo:
        """The request as answers and errors tell of it."""
        return whole_plan(self.plan, self).make_request(()).sent_info

    def encode(self) -> bytes:
        """Head and body; b"" where only the long way knows how."""
        plan = self.plan
        defaults = plan.defaults
        headers = self.kwargs.get("headers")
        body, kind = self._body()
        if defaults.headers and defaults.has_any_of_body():
            return b""
        replaced: tuple[str, ...] = ()
        lines = b""
        if headers:
            lines = encode_fields(headers.items())
            for name in headers:
                key = name.lower()
                if key == "content-type":
                    kind = b""
                elif defaults.has(key):
                    replaced += (key,)
        if kind and "content-type" in defaults.skipped:
            kind = b""
        if body is not None or plan.method not in BODYLESS:
            lines += b"Content-Length: %d\r\n" % len(body or b"") + kind
        target = plan.target
        fields = defaults.encoded(target.host_field, replaced)
        start = target.starts.get(plan.method)
        if start is None:
            start = join_head(plan.method, target.path, b"", ())[:-2]
            target.starts[plan.method] = start
        return b"".join((start, fields, lines, b"\r\n", body or b""))

    def _body(self) -> tuple[bytes | None, bytes]:
        """Octets, None where there is no body, and the line of their type."""
        json = self.kwargs.get("json")
        if json is not None:
            session = self.session
            if session._json_serialize_bytes is not None:
                self._json = bytes(session._json_serialize_bytes(json))
            else:
                self._json = _dump_text(json, session._json_serialize).encode()
            return self._json, _JSON
        data = self.kwargs.get("data")
        if data is None:
            return None, _TYPES[bytes] if self.plan.method in TYPED else b""
        kind = type(data)
        return (data.encode() if kind is str else data), _TYPES[kind]


def find_plan(
    session: Any,
    ground: Ground,
    method: str,
    url: str | URL,
    kwargs: dict[str, Any],
    may_shorten: bool,
) -> tuple[Plan, Own | None]:
    """The plan of a call; the shared one, with what is the call's own, where that is enough."""
    is_bare = True
    is_usual = True
    for name, value in kwargs.items():
        if name != "allow_redirects" and value is not None:
            is_bare = False
        if name not in _TAKEN:
            is_usual = False
    if is_usual and (is_bare or (may_shorten and _is_simple(kwargs))):
        plan = _shared_plan(session, ground, method, url, kwargs.get("allow_redirects", True))
        if is_bare:
            return (plan, None)
        if plan.is_swift:
            return (plan, Own(plan, session, method, url, kwargs))
    return (Plan(session, method, url, **kwargs), None)


def _shared_plan(
    session: Any, ground: Ground, method: str, url: str | URL, allow_redirects: bool
) -> Plan:
    """Calls that ask for nothing special share their plan."""
    plans = ground.plans
    key = (method, url, allow_redirects)
    plan = plans.get(key)
    if plan is None:
        plan = Plan(session, method, url, allow_redirects=allow_redirects)
        if plan.is_plain:
            if len(plans) >= _MAX_PLANS:
                plans.clear()
            plans[key] = plan
    return plan


def _is_simple(kwargs: dict[str, Any]) -> bool:
    """True if fields and body of a call are of the usual kinds, and small."""
    data = kwargs.get("data")
    if data is not None:
        kind = type(data)
        if kind not in _KINDS or len(data) > SMALL_BODY or kwargs.get("json") is not None:
            return False
        if PAYLOAD_REGISTRY.find(kind) is not _KINDS[kind]:
            return False
    headers = kwargs.get("headers")
    if headers is not None:
        if type(headers) is not dict:
            return False
        for name in headers:
            if type(name) is not str or name.lower() in _FRAMING:
                return False
    return True


def whole_plan(plan: Plan, own: Own | None) -> Plan:
    """The plan for the long way."""
    if own is None:
        return plan
    return Plan(own.session, own.method, own.url, **own.whole_kwargs())


def find_way(plan: Plan) -> Way | None:
    """The short way of a plan; None where there is none."""
    way = plan.way
    if way is None and plan.is_swift:
        way = plan.way = Way(plan)
    return way  # type: ignore[no-any-return]


def begin(
    ground: Ground,
    way: Way,
    own: Own | None,
    connector: BaseConnector,
    now: float,
    asker: Asker | None,
) -> Exchange | None:
    """Write the request on an idle connection; None where there is none."""
    key = way.key
    pool = connector._pool
    if own is None:
        octets = _plain_head(way)
    elif pool.has_idle(key):
        octets = own.encode()
    else:
        return None
    if not octets:
        return None
    claim = pool.lend(key, now)
    if pool.doomed or pool.granted:
        connector._settle()
    if claim is None:
        return None
    protocol = claim.connection
    exchange = Exchange(protocol, None, way.method, way.read)
    exchange.lender = connector
    exchange.claim = claim
    exchange.asker = asker
    try:
        protocol.begin(exchange)
        exchange.write(octets)
    except BaseException:
        exchange.abandon()
        raise
    if way.total and not exchange.is_done:
        due = now + way.total
        deadlines = ground.deadlines
        when, bucket = deadlines._latest
        if when - 1 < due <= when:
            bucket.add(exchange)
            exchange.watched = bucket
        else:
            deadlines.watch(exchange, due)
    return exchange


def _plain_head(way: Way) -> bytes:
    """A head without anything of its own; b"" where only the long way knows how."""
    target = way.target
    defaults = way.defaults
    found: tuple[Any, bytes] | None = target.heads.get(way.method)
    if found is not None and found[0] is None and not defaults.headers:
        return found[1]
    fields = defaults.encoded(target.host_field)
    if found is None or found[0] is not fields or not defaults.headers:
        more: tuple[tuple[str, str], ...] = ()
        if way.method not in BODYLESS:
            if defaults.has_any_of_body():
                return b""
            more = fields_of_no_body(way.method, "content-type" in defaults.skipped)
        found = (
            fields if defaults.headers else None,
            join_head(way.method, target.path, fields, more),
        )
        target.heads[way.method] = found
    return found[1]


def answer_of(
    session: Any, ground: Ground, way: Way, own: Own | None, exchange: Exchange
) -> ClientResponse:
    """The answer of an exchange whose head has come."""
    make: type[ClientResponse] = way.response_class
    target = way.target
    if make is ClientResponse:
        response = _new(make)
        head: Any = exchange.head
        response.method = way.method
        response._real_url = target.original
        response._loop = ground.loop
        response._session = session
        response._exchange = exchange
        response._asked = way.plan if own is None else own
        response._head = head
        response.version = head.version
        response.status = head.status
        response.reason = head.reason
        return response  # type: ignore[no-any-return]
    response = make(way.method, target.original, traces=(), loop=ground.loop, session=session)
    response.attach(exchange, way.plan if own is None else own)
    return response


def failure_of(plan: Plan, own: Own | None, error: BaseException) -> BaseException:
    """What the caller gets for what the exchange has told."""
    if not isinstance(error, AnswerError):
        return error
    info = plan.request_info if own is None else own.request_info
    failure = ClientResponseError(info, (), status=400, message=error.error.message)
    failure.__cause__ = error.error
    return failure


def is_final(exchange: Exchange) -> bool:
    """True if nothing is left to be done about an answer but to hand it out."""
    head: Any = exchange.head
    return not head.may_set_cookies and head.status not in REDIRECTS
