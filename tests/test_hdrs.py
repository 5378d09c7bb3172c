"""tercel.hdrs, typedefs and content.chainmap."""

import pytest
from multidict import CIMultiDict, istr

from tercel import hdrs, typedefs
from tercel.content.chainmap import ChainMapProxy


def test_names_of_fields():
    fields = {name: value for name, value in vars(hdrs).items() if isinstance(value, istr)}
    assert len(fields) > 120
    for name, value in fields.items():
        assert name == value.upper().replace("-", "_")
    assert CIMultiDict({hdrs.CONTENT_TYPE: "x"})["content-type"] == "x"


def test_methods():
    assert hdrs.METH_ANY == "*"
    assert {getattr(hdrs, f"METH_{name}") for name in hdrs.METH_ALL} == hdrs.METH_ALL
    assert len(hdrs.HOST_ALL) == 16
    assert {name.lower() for name in hdrs.HOST_ALL} == {"host"}


def test_typedefs():
    for name in ("Handler", "LooseCookies", "LooseHeaders", "Middleware", "PathLike", "StrOrURL"):
        assert hasattr(typedefs, name)


def test_chain_map():
    first, second = {"a": 1}, {"a": 2, "b": 3}
    chain = ChainMapProxy([first, second])
    assert (chain["a"], chain["b"], chain.get("c", 4), len(chain)) == (1, 3, 4, 2)
    assert dict(chain) == {"a": 1, "b": 3}
    assert "b" in chain
    assert "c" not in chain
    second["c"] = 5
    assert chain["c"] == 5
    with pytest.raises(KeyError):
        chain["d"]
    with pytest.raises(TypeError):
        chain["a"] = 1
    assert not ChainMapProxy([{}, {}])
