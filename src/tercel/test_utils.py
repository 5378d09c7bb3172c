"""The documented address of the utilities for tests (testing.rst); they live in `tercel.testing`."""

from tercel.testing.case import AioHTTPTestCase
from tercel.testing.client import TestClient
from tercel.testing.server import (
    BaseTestServer,
    RawTestServer,
    TestServer,
    get_port_socket,
    get_unused_port_socket,
    unused_port,
)

__all__ = (
    "AioHTTPTestCase",
    "BaseTestServer",
    "RawTestServer",
    "TestClient",
    "TestServer",
    "get_port_socket",
    "get_unused_port_socket",
    "unused_port",
)
