"""Passwords as Argon2id hashes (RFC 9106), made and checked off the event loop.

In: what a user typed. Out: a text to store, or yes and no. At most two are worked on at a time,
because each takes 64 MiB and a core. Needs `pip install tercel[security]`.
"""

import asyncio
import functools
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any

__all__ = ("MAX_PASSWORD", "hash_password", "needs_rehash", "verify_password")

#: Characters of a password that are looked at; longer ones are refused.
MAX_PASSWORD = 1024
_WORKERS = 2


@functools.cache
def _hasher() -> Any:
    import argon2

    return argon2.PasswordHasher()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix="passwords")


@functools.cache
def _nobodys_hash() -> str:
    return str(_hasher().hash("nobody"))


async def hash_password(password: str) -> str:
    """The hash of `password` to store, with salt and parameters in it.

    ValueError for an empty password or one of more than `MAX_PASSWORD` characters.
    """
    if not password or len(password) > MAX_PASSWORD:
        raise ValueError(f"a password has 1 to {MAX_PASSWORD} characters, got {len(password)}")
    loop = asyncio.get_running_loop()
    return str(await loop.run_in_executor(_pool(), _hasher().hash, _normalize(password)))


async def verify_password(password: str, hashed: str | None) -> bool:
    """True where `hashed` is the hash of `password`.

    None for `hashed`, where there is no such user, takes as long as a wrong password: then nobody
    learns by the clock which users there are. ValueError for a text that is no hash.
    """
    if len(password) > MAX_PASSWORD:
        password = ""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool(), _verify, _normalize(password), hashed)


def _verify(password: str, hashed: str | None) -> bool:
    import argon2

    try:
        _hasher().verify(_nobodys_hash() if hashed is None else hashed, password)
    except argon2.exceptions.VerifyMismatchError:
        return False
    except (argon2.exceptions.InvalidHashError, argon2.exceptions.VerificationError) as error:
        raise ValueError("what is stored for this user is no Argon2 hash") from error
    return hashed is not None


def needs_rehash(hashed: str) -> bool:
    """True where `hashed` was made with other parameters than today's: hash again at a login."""
    return bool(_hasher().check_needs_rehash(hashed))


def _normalize(password: str) -> str:
    # Keyboards differ in how they send the same character (NIST SP 800-63B section 5.1.1.2).
    return unicodedata.normalize("NFKC", password)
