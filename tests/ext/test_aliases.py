"""The libraries beside aiohttp under their own names, and Redis as tutorials write it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tercel.ext import aioredis
from tests.meta.house import SOURCE
from tests.services import RedisServer


def run(code: str, *folders: Path) -> str:
    paths = os.pathsep.join(map(str, [*folders, SOURCE]))
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_names_lead_to_our_rooms() -> None:
    run(
        """
        import importlib, sys
        from tercel.ext import aliases
        aliases.install()
        aliases.install()
        for name, home in aliases.COMPANIONS.items():
            module = importlib.import_module(name)
            assert module is importlib.import_module(home), name
            assert module.__name__ == module.__spec__.name == home, name
        import aiohttp_session
        from aiohttp_session import get_session, setup, SimpleCookieStorage, session_middleware
        from aiohttp_session import redis_storage, cookie_storage
        from aiohttp_session.cookie_storage import EncryptedCookieStorage
        assert redis_storage is sys.modules["tercel.ext.session.redis_storage"]
        from aiohttp_security.abc import AbstractAuthorizationPolicy
        from aiohttp_security import setup as setup_security, SessionIdentityPolicy
        from aiohttp_security import AbstractAuthorizationPolicy as same
        assert same is AbstractAuthorizationPolicy
        from aiojobs.aiohttp import setup, spawn, atomic, get_scheduler
        import aiojobs
        assert aiojobs.Scheduler
        from aiohttp_cors import setup, ResourceOptions, CorsViewMixin, custom_cors
        try:
            import aiohttp_session.nowhere
        except ModuleNotFoundError as error:
            assert str(error) == (
                "Tercel, which stands in for aiohttp_session, has no counterpart of "
                "'aiohttp_session.nowhere'"
            )
        else:
            raise AssertionError
        aliases.uninstall()
        assert "aiohttp_session" not in sys.modules
        try:
            import aiohttp_session
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError
        """
    )


def test_what_is_installed_is_left_alone(tmp_path: Path) -> None:
    package = tmp_path / "aiohttp_session"
    package.mkdir()
    (package / "__init__.py").write_text("who = 'the real one'\n")
    (package / "redis_storage.py").write_text("who = 'its own'\n")
    out = run(
        """
        from tercel.ext import aliases
        aliases.install()
        import aiohttp_session, aiohttp_session.redis_storage, aiohttp_cors
        print(aiohttp_session.who, aiohttp_session.redis_storage.who, aiohttp_cors.__name__)
        """,
        tmp_path,
    )
    assert out == "the real one its own tercel.ext.cors\n"


async def test_redis_as_tutorials_write_it(redis_server: RedisServer) -> None:
    for address in (str(redis_server.path), redis_server.url):
        pool = await aioredis.create_redis_pool(
            address, db=1, minsize=2, maxsize=3, encoding="utf-8", timeout=20
        )
        await pool.set("a", "ż")
        assert await pool.get("a") == "ż"
        pool.close()
        await pool.wait_closed()
    pool = await aioredis.create_pool(str(redis_server.path))
    assert await pool.ping()
    await pool.close()
    assert aioredis.from_url(redis_server.url).connection_pool is not None


async def test_a_redis_that_is_not_there() -> None:
    with pytest.raises(aioredis.RedisError):
        await aioredis.create_redis_pool(("127.0.0.1", 1), password="x", ssl=False)


def test_they_come_with_aiohttps_own_alias() -> None:
    """The session example of a tutorial, word for word but for the server."""
    out = run(
        """
        import asyncio
        import tercel.compat
        tercel.compat.install()
        import aiohttp_session
        from aiohttp import web
        from aiohttp.test_utils import TestClient, TestServer
        from aiohttp_session import get_session, setup, SimpleCookieStorage

        async def handler(request: web.Request) -> web.Response:
            session = await aiohttp_session.get_session(request)
            last_visit = session["last_visit"] if "last_visit" in session else None
            session["last_visit"] = 1
            return web.Response(text="Last visited: {}".format(last_visit))

        async def main():
            app = web.Application()
            aiohttp_session.setup(app, SimpleCookieStorage())
            app.router.add_get("/", handler)
            async with TestClient(TestServer(app)) as client:
                for _ in range(2):
                    async with client.get("/") as response:
                        print(await response.text())

        asyncio.run(main())
        tercel.compat.uninstall()
        try:
            import aiohttp_cors
        except ModuleNotFoundError:
            print("gone")
        """
    )
    assert out == "Last visited: None\nLast visited: 1\ngone\n"
