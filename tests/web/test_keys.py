"""Keys: identity, names, sorting."""

from collections.abc import Iterator

import pytest

from tercel.web.keys import AppKey, BaseKey, RequestKey, ResponseKey

KEY = AppKey("KEY", int)
SUBSCRIPTED = AppKey[Iterator[int]]("SUBSCRIPTED")


def test_key_is_equal_to_itself_only() -> None:
    other = AppKey("KEY", int)
    assert KEY == KEY
    assert other != KEY
    assert len({KEY: 1, other: 2}) == 2


@pytest.mark.parametrize("cls", [AppKey, RequestKey, ResponseKey])
def test_every_kind_is_a_key_of_its_own(cls: type[BaseKey[str]]) -> None:
    key = cls("name", str)
    assert isinstance(key, BaseKey)
    assert repr(key).startswith(f"<{cls.__name__}(")
    assert repr(key).endswith(".name, type=str)>")


def test_name_carries_the_defining_module() -> None:
    assert repr(KEY) == f"<AppKey({__name__}.KEY, type=int)>"


def test_type_may_stand_in_the_subscript() -> None:
    assert repr(SUBSCRIPTED) == (
        f"<AppKey({__name__}.SUBSCRIPTED, type=collections.abc.Iterator[int])>"
    )


def test_type_may_be_left_out_and_may_be_generic() -> None:
    assert repr(AppKey("x")).endswith(".x, type=<<Unknown>>)>")
    assert repr(AppKey("x", list[int])).endswith(".x, type=list[int])>")


def test_keys_sort_by_name_and_before_strings() -> None:
    a, b = AppKey("a", int), AppKey("b", str)
    assert sorted([b, a]) == [a, b]
    assert a < "a"
    assert sorted(["z", b, a], key=lambda key: (isinstance(key, str), key)) == [a, b, "z"]


def test_a_plain_string_does_not_find_a_key() -> None:
    assert "KEY" not in {KEY: 1}
