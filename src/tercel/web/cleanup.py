"""CleanupContext: what an application opens at its start and closes at its end, as pairs.

In: asynchronous generator functions with one `yield`, or functions that return an asynchronous
context manager. Out: the closing half runs, in reverse order, for just those whose opening half
came through (web_advanced, Cleanup Context).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from frozenlist import FrozenList

__all__ = ("CleanupContext", "CleanupError")

Context = Callable[[Any], "AsyncIterator[None] | AbstractAsyncContextManager[None]"]


class CleanupError(RuntimeError):
    """More than one thing went wrong at clean-up."""

    @property
    def exceptions(self) -> list[BaseException]:
        """What went wrong."""
        return cast("list[BaseException]", self.args[1])


class CleanupContext(FrozenList[Context]):
    """The list `Application.cleanup_ctx`."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[Any] = []

    async def enter(self, app: Any) -> None:
        """Run the opening halves in order."""
        for function in self:
            context: Any = function(app)
            if hasattr(context, "__aenter__"):
                await context.__aenter__()
            else:
                context = context.__aiter__()
                await context.__anext__()
            self._open.append(context)

    async def leave(self, app: Any) -> None:
        """Run the closing halves, the last opened first, each once.

        Raises what one of them raised, or CleanupError for several.
        """
        errors: list[Exception] = []
        while self._open:
            context = self._open.pop()
            try:
                if hasattr(context, "__aexit__"):
                    await context.__aexit__(None, None, None)
                else:
                    await _finish(context)
            except Exception as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise CleanupError("Multiple errors on cleanup stage", errors)


async def _finish(context: AsyncIterator[None]) -> None:
    try:
        await context.__anext__()
    except StopAsyncIteration:
        return
    raise RuntimeError(f"{context!r} has more than one 'yield'")
