"""View: a handler that is a class, with a method for each HTTP method (web_reference, View)."""

from collections.abc import Generator
from typing import Any

from tercel.abc import AbstractView
from tercel.hdrs import METH_ALL
from tercel.web.errors import HTTPMethodNotAllowed

__all__ = ("View",)


class View(AbstractView):
    """Base of class-based views: write coroutines named `get`, `post` and so on.

    A method that the class lacks is answered with 405.
    """

    def __await__(self) -> Generator[Any, None, Any]:
        return self._run().__await__()

    async def _run(self) -> Any:
        name = self.request.method
        method = getattr(self, name.lower(), None) if name in METH_ALL else None
        if method is None:
            allowed = {known for known in METH_ALL if hasattr(self, known.lower())}
            raise HTTPMethodNotAllowed(name, allowed)
        return await method()
