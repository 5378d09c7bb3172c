"""What is left to be done about a request once its answer's head is there.

In: requests, answers, deadlines, the caller's own check. Out: bodies closed when they are sent,
deadlines that watch over what is still to come, refused answers released.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from tercel.client.request import ClientRequest
from tercel.client.response import ClientResponse
from tercel.client.timeout import Deadline
from tercel.content.payload import Payload

__all__ = ("after_answer", "check_status", "release_body")


async def check_status(response: ClientResponse, check: Any) -> None:
    """What `raise_for_status` asks for: True, or the caller's own check.

    An answer that is refused is released.
    """
    if check is None:
        return
    if check is True:
        if response.status >= 400:
            await response.raise_with_body()
        return
    try:
        await check(response)
    except BaseException:
        response.release()
        raise


async def release_body(request: ClientRequest, response: ClientResponse) -> None:
    """Close the request's body, at once or when it is sent."""
    body = request.body
    if not isinstance(body, Payload) or body.autoclose:
        return
    exchange = response._exchange
    if exchange is not None and exchange.upload is not None:
        exchange.upload.add_done_callback(partial(_close_later, body))
    else:
        await body.close()


def _close_later(body: Payload, upload: asyncio.Task[None]) -> None:
    asyncio.ensure_future(body.close(), loop=upload.get_loop())


def after_answer(response: ClientResponse, deadline: Deadline | None) -> None:
    """Let the deadline watch over the body, where one is still to come."""
    if deadline is None:
        return
    exchange = getattr(response, "_exchange", None)
    if exchange is None or exchange.is_done:
        deadline.disarm()
    else:
        exchange.deadline = deadline
        deadline.hand_over(exchange.expire)
