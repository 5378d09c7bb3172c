"""The contract of session storages, run against every storage that we have, on real servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tercel import web
from tercel.ext.session import (
    AbstractStorage,
    ServerStorage,
    Session,
    SimpleCookieStorage,
    conformance,
)
from tercel.ext.session.cookie_storage import EncryptedCookieStorage
from tercel.ext.session.sql_storage import SQLStorage
from tests.services import RedisServer, serve_memcached

CHECKS = pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)


@CHECKS
async def test_simple_cookie(check: conformance.Check) -> None:
    await check(SimpleCookieStorage())


@CHECKS
async def test_encrypted_cookie(check: conformance.Check) -> None:
    storage = EncryptedCookieStorage(Fernet.generate_key(), cookie_name="S", samesite="Strict")
    await check(storage)


@CHECKS
async def test_nacl_cookie(check: conformance.Check) -> None:
    from tercel.ext.session.nacl_storage import NaClCookieStorage

    await check(NaClCookieStorage(b"k" * 32))


async def test_memcached(tmp_path: Path) -> None:
    import aiomcache

    from tercel.ext.session.memcached_storage import MemcachedStorage

    with serve_memcached() as port:
        client = aiomcache.Client("127.0.0.1", port)
        try:
            await conformance.check_storage(MemcachedStorage(client))
            # More than thirty days, which Memcached would take for a date in 1970.
            await conformance.check_storage(MemcachedStorage(client, keep=90 * 24 * 3600))
        finally:
            await client.close()


class MemoryStorage(ServerStorage):
    """As docs/sessions.md shows it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: dict[str, tuple[str, float]] = {}

    async def read(self, key: str) -> str | None:
        text, end = self.kept.get(key, ("", 0.0))
        return text if self.clock() < end else None

    async def write(self, key: str, text: str, seconds: int | None, *, existing: bool) -> bool:
        if existing and key not in self.kept:
            return False
        end = float("inf") if seconds is None else self.clock() + seconds
        self.kept[key] = (text, end)
        return True

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)


@CHECKS
async def test_a_storage_of_ones_own(check: conformance.Check) -> None:
    storage = MemoryStorage(path="/", secure=True)
    await check(storage)


@pytest.mark.parametrize("decode", [False, True])
async def test_redis(redis_server: RedisServer, decode: bool) -> None:
    from redis.asyncio import Redis

    from tercel.ext.session.redis_storage import RedisStorage

    async with Redis.from_url(redis_server.url, decode_responses=decode) as redis:
        await conformance.check_storage(RedisStorage(redis))


@asynccontextmanager
async def sql(url: str) -> AsyncIterator[SQLStorage]:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url)
    try:
        storage = SQLStorage(engine)
        await storage.create_table()
        await storage.create_table()
        yield storage
    finally:
        await engine.dispose()


async def check_purge(storage: SQLStorage) -> None:
    await storage.write("a" * 32, "{}", 60, existing=False)
    await storage.write("b" * 32, "{}", None, existing=False)
    clock = storage.clock
    storage.clock = lambda: clock() + 61
    assert await storage.read("a" * 32) is None
    assert await storage.purge() >= 1
    assert await storage.purge() == 0
    assert await storage.read("b" * 32) == "{}"
    storage.clock = clock


async def test_sqlite(tmp_path: Path) -> None:
    async with sql(f"sqlite+aiosqlite:///{tmp_path}/sessions.db") as storage:
        await conformance.check_storage(storage)
        await check_purge(storage)


@pytest.mark.slow
async def test_postgresql(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql:", "postgresql+asyncpg:")
    async with sql(url) as storage:
        await conformance.check_storage(storage)
        await check_purge(storage)


class Broken(MemoryStorage):
    """A storage with a fault that is named."""

    fault = ""

    async def read(self, key: str) -> str | None:
        return self.kept.get(key, (None, 0.0))[0]

    async def delete(self, key: str) -> None:
        if self.fault != "never deletes":
            await super().delete(key)

    async def write(self, key: str, text: str, seconds: int | None, *, existing: bool) -> bool:
        return await super().write(
            key,
            text[:-20] if self.fault == "cuts" else text,
            seconds,
            existing=existing and self.fault != "brings back",
        )

    def load(self, identity: Any, text: str) -> Session:
        if self.fault == "never ends":
            data = {**self.decoder(text), "max_age": None}
            return Session(identity, data=data, new=False)
        return super().load(identity, text)

    async def load_session(self, request: web.Request) -> Session:
        cookie = self.load_cookie(request)
        if self.fault == "adopts" and cookie is not None and cookie not in self.kept:
            return Session(cookie, data=None, new=True)
        return await super().load_session(request)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("never deletes", conformance.check_invalidate),
        ("never deletes", conformance.check_login),
        ("brings back", conformance.check_deleted_stays_deleted),
        ("cuts", conformance.check_values),
        ("never ends", conformance.check_expiry),
        ("adopts", conformance.check_strange_cookies),
    ],
)
async def test_faults_are_found(fault: str, check: conformance.Check) -> None:
    storage = Broken()
    storage.fault = fault
    with pytest.raises(conformance.StorageFault):
        await check(storage)


def test_contract_is_abstract() -> None:
    with pytest.raises(TypeError):
        AbstractStorage()  # type: ignore[abstract]
