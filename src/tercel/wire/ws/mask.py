"""Masking: each octet of a client's payload, exclusive or with one of four (RFC 6455 section 5.3).

In: octets, the part of them that is meant, a key of four octets. Out: that part, masked or
unmasked, which is the same. Compiled it is a loop over octets; interpreted, a loop would take a
hundred times as long as one operation on a long integer.
"""

from typing import Any

__all__ = ("apply_mask", "turn_key")

#: Which of its two forms this module has: a test session may hold both.
_IS_COMPILED = not __file__.endswith((".py", ".pyc"))


def apply_mask(data: bytes, start: int, end: int, key: bytes) -> bytes:
    """`data[start:end]`, each octet exclusive or with `key[i % 4]`, i counted from `start`.

    ValueError for a part that is not there, or a key that has not 4 octets.
    """
    size = end - start
    if size <= 0:
        return b""
    if start < 0 or end > len(data) or len(key) != 4:
        raise ValueError("a part of the octets that are there, and a key of 4 octets, are expected")
    if not _IS_COMPILED:
        keys = (key * (size // 4 + 1))[:size]
        number = int.from_bytes(data[start:end], "little") ^ int.from_bytes(keys, "little")
        return number.to_bytes(size, "little")
    # New for certain, so that it may be filled: only empty bytes are shared when made from a size.
    result: Any = bytes(size)
    p = data
    q = result
    k = key
    key_0 = k[0]
    key_1 = k[1]
    key_2 = k[2]
    key_3 = k[3]
    i = 0
    while i + 4 <= size:
        q[i] = p[start + i] ^ key_0
        q[i + 1] = p[start + i + 1] ^ key_1
        q[i + 2] = p[start + i + 2] ^ key_2
        q[i + 3] = p[start + i + 3] ^ key_3
        i += 4
    while i < size:
        q[i] = p[start + i] ^ k[i & 3]
        i += 1
    return result  # type: ignore[no-any-return]


def turn_key(key: bytes, count: int) -> bytes:
    """The key for what follows `count` octets masked with `key`."""
    turn = count & 3
    return key[turn:] + key[:turn] if turn else key
