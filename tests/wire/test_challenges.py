"""WWW-Authenticate: several challenges in one value, quoting, and what is malformed."""

import pytest

from tercel.wire.challenges import Challenge, parse_challenges, quote_string


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ('Basic realm="x"', [("basic", {"realm": "x"})]),
        ('Digest realm="r", nonce=n', [("digest", {"realm": "r", "nonce": "n"})]),
        (
            'Basic realm="x", Digest realm="r", qop="auth,auth-int"',
            [("basic", {"realm": "x"}), ("digest", {"realm": "r", "qop": "auth,auth-int"})],
        ),
        (r'Digest realm="a\"b\\c"', [("digest", {"realm": 'a"b\\c'})]),
        ("Digest REALM = x , realm=y", [("digest", {"realm": "x"})]),
        ("Negotiate", [("negotiate", {})]),
        ("Negotiate, NTLM", [("negotiate", {}), ("ntlm", {})]),
        ("Negotiate abc==, Digest nonce=x", [("negotiate", {}), ("digest", {"nonce": "x"})]),
        (", ,Basic realm=a,", [("basic", {"realm": "a"})]),
        ('Digest realm="open, nonce=1', [("digest", {})]),
        ("realm=x", []),
        ("", []),
    ],
)
def test_challenges(value: str, wanted: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_challenges(value) == [Challenge(*pair) for pair in wanted]


@pytest.mark.parametrize("text", ["plain", 'a"b', "a\\b", '"', "\\", ", x=y"])
def test_a_quoted_string_comes_back(text: str) -> None:
    found = parse_challenges(f"Digest a={quote_string(text)}, b=c")
    assert found == [Challenge("digest", {"a": text, "b": "c"})]


@pytest.mark.parametrize("octet", ["\r", "\n", "\0", "\t", "\x7f"])
def test_control_characters_are_not_quoted(octet: str) -> None:
    with pytest.raises(ValueError, match="control"):
        quote_string(f"a{octet}b")


@pytest.mark.parametrize("piece", ["a ", "a=", 'a="', "a,", 'a="\\', "a=b,", "=", ","])
def test_long_values_take_linear_time(piece: str) -> None:
    parse_challenges("Digest " + piece * 50_000)
