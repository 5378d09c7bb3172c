"""A page that says whether the application can serve: for load balancers and orchestrators.

In: an application and checks, coroutine functions of the application. Out: a route that answers 200
`{"status": "ok"}`, or 503 with the names of the checks that failed or took too long, and 503 from
the moment that the application shuts down. What went wrong goes to the log, not to the world.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tercel import web

__all__ = ("setup_health",)

Check = Callable[[web.Application], Awaitable[Any]]

_LOG = logging.getLogger("tercel.health")


def setup_health(
    app: web.Application,
    checks: Mapping[str, Check] | None = None,
    *,
    path: str = "/healthz",
    timeout: float = 5.0,
) -> web.AbstractRoute:
    """Serve the state of `app` at `path`; the route, whose name is "health".

    Each check fails if it raises, or gives False, or takes longer than `timeout` seconds. They run
    at the same time, for each request.
    """
    named = dict(checks or {})
    state = {"is_leaving": False}

    async def leave(app: web.Application) -> None:
        state["is_leaving"] = True

    async def run(name: str, check: Check, owner: web.Application) -> bool:
        try:
            async with asyncio.timeout(timeout):
                return await check(owner) is not False
        except TimeoutError:
            _LOG.warning("the check %r took longer than %g seconds", name, timeout)
        except Exception:
            _LOG.warning("the check %r failed", name, exc_info=True)
        return False

    async def health(request: web.Request) -> web.Response:
        if state["is_leaving"]:
            return _answer({"status": "leaving"}, 503)
        outcomes = await asyncio.gather(*[run(*item, app) for item in named.items()])
        failed = [name for name, is_good in zip(named, outcomes, strict=True) if not is_good]
        if failed:
            return _answer({"status": "failing", "failed": failed}, 503)
        return _answer({"status": "ok"}, 200)

    app.on_shutdown.append(leave)
    return app.router.add_get(path, health, name="health")


def _answer(facts: dict[str, Any], status: int) -> web.Response:
    return web.json_response(facts, status=status, headers={"Cache-Control": "no-store"})
