"""Background jobs of an application, with the interface that aiojobs documents.

`setup(app)` once; `await spawn(request, coroutine)` in a handler. See docs/jobs.md.
"""

from tercel.ext.jobs.handlers import (
    AIOJOBS_SCHEDULER,
    atomic,
    get_scheduler,
    get_scheduler_from_app,
    get_scheduler_from_request,
    setup,
    shield,
    spawn,
)
from tercel.ext.jobs.scheduler import Job, Scheduler, create_scheduler

__all__ = (
    "AIOJOBS_SCHEDULER",
    "Job",
    "Scheduler",
    "atomic",
    "create_scheduler",
    "get_scheduler",
    "get_scheduler_from_app",
    "get_scheduler_from_request",
    "setup",
    "shield",
    "spawn",
)
