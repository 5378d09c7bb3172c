"""The documented address of the utilities for tests (testing.rst); their home is `testing`."""

from tercel.testing.case import AioHTTPTestCase, unittest_run_loop
from tercel.testing.client import TestClient
from tercel.testing.fakes import (
    loop_context,
    make_mocked_coro,
    make_mocked_request,
    setup_test_loop,
    teardown_test_loop,
)
from tercel.testing.memory import MemoryConnector
from tercel.testing.peer import Line, ScriptedPeer
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
    "Line",
    "MemoryConnector",
    "RawTestServer",
    "ScriptedPeer",
    "TestClient",
    "TestServer",
    "get_port_socket",
    "get_unused_port_socket",
    "loop_context",
    "make_mocked_coro",
    "make_mocked_request",
    "setup_test_loop",
    "teardown_test_loop",
    "unittest_run_loop",
    "unused_port",
)
