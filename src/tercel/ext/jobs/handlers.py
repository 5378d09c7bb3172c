"""Jobs that belong to an application: a scheduler that ends with it.

In: an application, requests. Out: jobs. At the end of the application they are waited for, before
what its other parts opened, such as databases, is closed. Documented by aiojobs (aiojobs.aiohttp).
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar, cast

from tercel import web
from tercel.abc import AbstractView
from tercel.ext.jobs.scheduler import Job, Scheduler

__all__ = (
    "AIOJOBS_SCHEDULER",
    "atomic",
    "get_scheduler",
    "get_scheduler_from_app",
    "get_scheduler_from_request",
    "setup",
    "shield",
    "spawn",
)

_T = TypeVar("_T")
Handler = Callable[..., Awaitable[web.StreamResponse]]

#: Where an application keeps its scheduler.
AIOJOBS_SCHEDULER: Final = web.AppKey("AIOJOBS_SCHEDULER", Scheduler)


def setup(app: web.Application, **kwargs: Any) -> None:
    """Give `app` a scheduler; `kwargs` are `Scheduler`'s.

    At the application's end it waits for its jobs, `wait_timeout` seconds at most, and cancels
    the rest. RuntimeError where the application has one.
    """
    if AIOJOBS_SCHEDULER in app:
        raise RuntimeError("the application has a scheduler already")
    scheduler = app[AIOJOBS_SCHEDULER] = Scheduler(**kwargs)

    async def drain(app: web.Application) -> None:
        await scheduler.wait_and_close()

    async def close(app: web.Application) -> AsyncIterator[None]:
        yield
        await scheduler.close()  # where the start failed, and nothing else is called

    app.on_cleanup.insert(0, drain)  # before the clean-up contexts are left
    app.cleanup_ctx.append(close)


def get_scheduler(request: web.Request) -> Scheduler:
    """The scheduler of the request's application or its parents. RuntimeError without one."""
    scheduler = get_scheduler_from_request(request)
    if scheduler is None:
        raise RuntimeError("Call aiojobs.aiohttp.setup() on application initialization")
    return scheduler


def get_scheduler_from_app(app: web.Application) -> Scheduler | None:
    """The scheduler that `setup` gave to `app`, None without one."""
    return app.get(AIOJOBS_SCHEDULER)


def get_scheduler_from_request(request: web.Request) -> Scheduler | None:
    """As `get_scheduler`; None without one."""
    return cast("Scheduler | None", request.config_dict.get(AIOJOBS_SCHEDULER))


async def spawn(request: web.Request, coro: Coroutine[Any, Any, _T]) -> Job[_T]:
    """Run `coro` as a job of the request's application. RuntimeError as `get_scheduler`."""
    try:
        scheduler = get_scheduler(request)
    except RuntimeError:
        coro.close()
        raise
    return await scheduler.spawn(coro)


def shield(request: web.Request, arg: Awaitable[_T]) -> "asyncio.Future[_T]":
    """As `asyncio.shield`; the application does not end before what is shielded has.

    RuntimeError as `get_scheduler`.
    """
    return get_scheduler(request).shield(arg)


def atomic(coro: Handler) -> Handler:
    """Run a whole handler as a job: it goes on when its request is cancelled.

    For functions and methods that take the request last, and for methods of a `web.View`.
    """

    @functools.wraps(coro)
    async def run(*args: Any) -> web.StreamResponse:
        request = args[0].request if isinstance(args[0], AbstractView) else args[-1]
        job = await spawn(request, _call(coro, args))
        return await job.wait()

    return run


async def _call(handler: Handler, args: tuple[Any, ...]) -> web.StreamResponse:
    return await handler(*args)
