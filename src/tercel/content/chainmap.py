"""ChainMapProxy: several mappings read as one (structures, ChainMapProxy).

The first mapping that has a key gives its value; nothing can be changed through the proxy. A
missing key with an application's typed key raises KeyError like any other.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ("ChainMapProxy",)


class ChainMapProxy(Mapping[Any, Any]):
    """A read-only view of `maps`, the first of them asked first."""

    __slots__ = ("_maps",)

    def __init__(self, maps: Iterable[Mapping[Any, Any]]) -> None:
        self._maps = tuple(maps)

    def __init_subclass__(cls) -> None:
        raise TypeError(f"ChainMapProxy can't be inherited from, {cls.__name__} does")

    def __getitem__(self, key: Any) -> Any:
        for mapping in self._maps:
            try:
                return mapping[key]
            except KeyError:
                pass
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of `key`, `default` where no mapping has it."""
        try:
            return self[key]
        except KeyError:
            return default

    def __len__(self) -> int:
        return len(set().union(*self._maps))

    def __iter__(self) -> Iterator[Any]:
        keys: dict[Any, None] = {}
        for mapping in reversed(self._maps):
            keys.update(dict.fromkeys(mapping))
        return iter(keys)

    def __contains__(self, key: object) -> bool:
        return any(key in mapping for mapping in self._maps)

    def __bool__(self) -> bool:
        return any(self._maps)

    def __repr__(self) -> str:
        return f"ChainMapProxy({', '.join(map(repr, self._maps))})"
