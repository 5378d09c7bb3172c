"""Masking: each octet of a client's payload, exclusive or with one of four (RFC 6455 section 5.3).

In: octets, the part of them that is meant, a key of four octets. Out: that part, masked or
unmasked, which is the same. Compiled it is a loop that the C compiler makes vectors of; when
interpreted, a loop would take a hundred times as long as one operation on a long integer.
"""

from typing import Any

__all__ = ("apply_mask", "mask_tail", "turn_key", "unmask")

#: Which of its two forms this module has: a test session may hold both.
_IS_COMPILED = not __file__.endswith((".py", ".pyc"))


def _turn(q: Any, size: int, key_0: int, key_1: int, key_2: int, key_3: int) -> None:
    """Mask `size` octets in place. They must be ours alone."""
    i = 0
    while i + 4 <= size:
        q[i] = q[i] ^ key_0
        q[i + 1] = q[i + 1] ^ key_1
        q[i + 2] = q[i + 2] ^ key_2
        q[i + 3] = q[i + 3] ^ key_3
        i += 4
    if i < size:
        q[i] = q[i] ^ key_0
    if i + 1 < size:
        q[i + 1] = q[i + 1] ^ key_1
    if i + 2 < size:
        q[i + 2] = q[i + 2] ^ key_2


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
    p = data
    k = key
    if size == 1:
        # Bytes of one octet are shared by all who have the same.
        return bytes((p[start] ^ k[0],))
    result: Any = p[start:end]
    _turn(result, size, k[0], k[1], k[2], k[3])
    return result  # type: ignore[no-any-return]


def unmask(data: bytes, start: int, end: int) -> bytes:
    """`data[start:end]` unmasked with the key that stands right before it.

    ValueError for a part that is not there.
    """
    size = end - start
    if size <= 0:
        return b""
    if start < 4 or end > len(data):
        raise ValueError("a part of the octets that are there, behind its key, is expected")
    if not _IS_COMPILED:
        return apply_mask(data, start, end, data[start - 4 : start])
    p = data
    if size == 1:
        return bytes((p[start] ^ p[start - 4],))
    result: Any = p[start:end]
    _turn(result, size, p[start - 4], p[start - 3], p[start - 2], p[start - 1])
    return result  # type: ignore[no-any-return]


def mask_tail(head: bytes, payload: bytes, key: bytes) -> bytes:
    """`head`, `key` and the masked `payload` in one piece; ValueError for a key of another size."""
    size = len(payload)
    if len(key) != 4:
        raise ValueError("a key of 4 octets is expected")
    if not _IS_COMPILED or not size:
        return head + key + apply_mask(payload, 0, size, key)
    # New for certain: it is longer than each of its parts.
    result: Any = head + key + payload
    k = key
    q = result
    _turn(q + (len(head) + 4), size, k[0], k[1], k[2], k[3])
    return result  # type: ignore[no-any-return]


def turn_key(key: bytes, count: int) -> bytes:
    """The key for what follows `count` octets masked with `key`."""
    turn = count & 3
    return key[turn:] + key[:turn] if turn else key
