"""The short way of a plain request on a connection that lies idle: one write, one wait, an answer.

In: a plan that asks for nothing of its own. Out: an exchange whose head is written, and the answer
when its head is there; None where the long way has to be taken. No request object, no connection
object, no task; whatever the long way does for such a request happens here as well.
"""

from __future__ import annotations

from tercel.client.connection import BaseConnector
from tercel.client.errors import AnswerError, ClientResponseError
from tercel.client.exchange import Exchange
from tercel.client.fields import join_head
from tercel.client.plan import Plan
from tercel.client.redirect import REDIRECTS
from tercel.client.response import ClientResponse
from tercel.client.timeout import Deadlines

__all__ = ("answer_of", "begin", "failure_of", "is_final")


def begin(
    plan: Plan, connector: BaseConnector, deadlines: Deadlines, now: float
) -> Exchange | None:
    """Write the head on an idle connection; None where there is none."""
    target = plan.target
    claim = connector.lend_idle(target.find_key(), now)
    if claim is None:
        return None
    protocol = claim.connection
    exchange = Exchange(protocol, None, plan.method, plan.read)
    exchange.lender = connector
    exchange.claim = claim
    try:
        fields = plan.defaults.encoded(target.host_field)
        found = target.heads.get(plan.method)
        if found is None or found[0] is not fields:
            found = (fields, join_head(plan.method, target.path, fields, ()))
            target.heads[plan.method] = found
        protocol.begin(exchange)
        exchange.write(found[1])
    except BaseException:
        exchange.abandon()
        raise
    total = plan.timeout.total
    if total and not exchange.is_done:
        deadlines.watch(exchange, now + total)
    return exchange


def answer_of(plan: Plan, exchange: Exchange) -> ClientResponse:
    """The answer of an exchange whose head has come."""
    session = plan.session
    make: type[ClientResponse] = session._response_class
    if make is ClientResponse:
        response = make.__new__(make)
        response.method = plan.method
        response._real_url = plan.target.original
        response._loop = session._loop
        response._session = session
    else:
        response = make(
            plan.method, plan.target.original, traces=(), loop=session._loop, session=session
        )
    response.attach(exchange, plan)
    return response


def failure_of(plan: Plan, error: BaseException) -> BaseException:
    """What the caller gets for what the exchange has told."""
    if not isinstance(error, AnswerError):
        return error
    failure = ClientResponseError(plan.request_info, (), status=400, message=error.error.message)
    failure.__cause__ = error.error
    return failure


def is_final(response: ClientResponse) -> bool:
    """True if nothing is left to be done about an answer but to hand it out."""
    return response.status not in REDIRECTS and not response._head.may_set_cookies
