"""Tests in the manner of unittest: a test case with an application, a server and a client.

In: `get_application`, which the test case overrides. Out: `self.app`, `self.server`, `self.client`
while a test runs (testing.rst, "Unittest").
"""

from __future__ import annotations

import asyncio
import warnings
from typing import Any, TypeVar
from unittest import IsolatedAsyncioTestCase

from tercel.testing.client import TestClient
from tercel.testing.server import BaseTestServer, TestServer
from tercel.web import Application

__all__ = ("AioHTTPTestCase", "unittest_run_loop")

_F = TypeVar("_F")


def unittest_run_loop(function: _F, *args: Any, **kwargs: Any) -> _F:
    """`function` itself: tests that are coroutines need no decorator any more. Deprecated."""
    warnings.warn(
        "unittest_run_loop is no longer needed: a test case runs coroutines itself",
        DeprecationWarning,
        stacklevel=2,
    )
    return function


class AioHTTPTestCase(IsolatedAsyncioTestCase):
    """A test case for one application; override `get_application`."""

    async def get_application(self) -> Application:
        """The application to test; RuntimeError unless overridden."""
        return self.get_app()

    def get_app(self) -> Application:
        """`get_application` of old, without async. Deprecated."""
        raise RuntimeError("Did you forget to define get_application()?")

    async def asyncSetUp(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.app = await self.get_application()
        self.server = await self.get_server(self.app)
        self.client = await self.get_client(self.server)
        await self.client.start_server()
        await self.setUpAsync()

    async def setUpAsync(self) -> None:
        """`asyncSetUp` under its old name. Deprecated."""

    async def asyncTearDown(self) -> None:
        await self.tearDownAsync()
        await self.client.close()

    async def tearDownAsync(self) -> None:
        """`asyncTearDown` under its old name. Deprecated."""

    async def get_server(self, app: Application) -> BaseTestServer[Any]:
        """The server of the application."""
        return TestServer(app)

    async def get_client(self, server: BaseTestServer[Any]) -> TestClient[Any, Any]:
        """The client of the server."""
        return TestClient(server)
