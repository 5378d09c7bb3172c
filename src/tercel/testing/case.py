"""Tests in the manner of unittest: a test case with an application, a server and a client.

In: `get_application`, which the test case overrides. Out: `self.app`, `self.server`, `self.client`
while a test runs (testing.rst, "Unittest").
"""

from __future__ import annotations

from typing import Any
from unittest import IsolatedAsyncioTestCase

from tercel.testing.client import TestClient
from tercel.testing.server import BaseTestServer, TestServer
from tercel.web import Application

__all__ = ("AioHTTPTestCase",)


class AioHTTPTestCase(IsolatedAsyncioTestCase):
    """A test case for one application; override `get_application`."""

    async def get_application(self) -> Application:
        """The application to test; RuntimeError unless overridden."""
        return self.get_app()

    def get_app(self) -> Application:
        """`get_application` of old, without async. Deprecated."""
        raise RuntimeError("Did you forget to define get_application()?")

    async def asyncSetUp(self) -> None:
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
