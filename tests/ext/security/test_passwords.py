"""Passwords: hashed off the loop, checked, and hashed again when the parameters change."""

import asyncio
import threading

import pytest

from tercel.ext.security import hash_password, needs_rehash, passwords, verify_password


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    argon2 = pytest.importorskip("argon2")
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)


async def test_right_and_wrong() -> None:
    hashed = await hash_password("correct horse")
    assert hashed.startswith("$argon2id$")
    assert hashed != await hash_password("correct horse")
    assert await verify_password("correct horse", hashed)
    assert not await verify_password("Correct horse", hashed)
    assert not await verify_password("", hashed)
    assert not await verify_password("x" * 5000, hashed)
    assert not await verify_password("nobody", None)
    assert not needs_rehash(hashed)


async def test_one_character_two_spellings() -> None:
    hashed = await hash_password("z\u0307o\u0301łw")
    assert await verify_password("żółw", hashed)


@pytest.mark.parametrize("password", ["", "x" * 1025])
async def test_refused(password: str) -> None:
    with pytest.raises(ValueError, match="a password has 1 to 1024 characters"):
        await hash_password(password)


async def test_what_is_no_hash() -> None:
    for stored in ("", "plain", "$argon2id$v=19$m=8,t=1,p=1$x$y"):
        with pytest.raises(ValueError, match="no Argon2 hash"):
            await verify_password("a", stored)


async def test_old_parameters() -> None:
    import argon2

    old = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("a")
    assert needs_rehash(old)
    assert await verify_password("a", old)


async def test_the_loop_goes_on_and_few_work_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running = []
    most = []
    lock = threading.Lock()
    go = threading.Event()

    class Slow:
        def hash(self, password: str) -> str:
            with lock:
                running.append(password)
                most.append(len(running))
            assert go.wait(20)
            with lock:
                running.remove(password)
            return "hashed"

    monkeypatch.setattr(passwords, "_hasher", Slow)
    tasks = [asyncio.create_task(hash_password(str(number))) for number in range(6)]
    while len(most) < 2:
        await asyncio.sleep(0.01)
    go.set()
    assert await asyncio.gather(*tasks) == ["hashed"] * 6
    assert max(most) <= 2
