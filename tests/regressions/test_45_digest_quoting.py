"""Family 45: every parameter of a Digest answer is quoted, or not there at all."""

import re

import pytest
from yarl import URL

from tercel.client.digest import read_challenge
from tercel.client.errors import ClientError
from tercel.wire.challenges import parse_challenges, quote_string

NASTY = ['a"b', "a\\b", '", username="admin', "\\", '\\"', 'x", uri="/other']


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("place", ["realm", "nonce", "opaque", "login", "uri"])
def test_no_parameter_can_add_another(place: str, text: str) -> None:
    said = {"realm": "r", "nonce": "n", "opaque": "o"}
    asked = {"login": "u", "uri": "/"}
    (said if place in said else asked)[place] = text
    line = ", ".join(f"{name}={quote_string(value)}" for name, value in said.items())
    found = read_challenge([f"Digest {line}, qop=auth"], URL("http://a.com"))
    assert found is not None
    field = found[0].answer(asked["login"], "p", "GET", asked["uri"], cnonce="c")
    (challenge,) = parse_challenges(field)
    names = re.findall(r"(\w+)=", re.sub(r'"(?:[^"\\]|\\.)*"', '""', field))
    assert sorted(names) == sorted(set(names))
    assert challenge.parameters == {
        "username": asked["login"],
        "realm": said["realm"],
        "nonce": said["nonce"],
        "opaque": said["opaque"],
        "uri": asked["uri"],
        "response": challenge.parameters["response"],
        "algorithm": "MD5",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "c",
    }


@pytest.mark.parametrize("octet", ["\r", "\n", "\0", "\x1b", "\x7f"])
def test_control_characters_are_refused(octet: str) -> None:
    found = read_challenge(['Digest realm="r", nonce="n"'], URL("http://a.com"))
    assert found is not None
    for login, uri in ((f"u{octet}", "/"), ("u", f"/{octet}")):
        with pytest.raises(ValueError, match="control"):
            found[0].answer(login, "p", "GET", uri)


@pytest.mark.parametrize("algorithm", ['MD5", x="y', "MD5\\", "MD5 SHA", "md5\r\nX: y"])
def test_an_unquoted_parameter_is_a_known_word(algorithm: str) -> None:
    quoted = algorithm.replace("\\", "\\\\").replace('"', '\\"')
    with pytest.raises(ClientError, match="Unsupported hash algorithm"):
        read_challenge([f'Digest realm="r", nonce="n", algorithm="{quoted}"'], URL("http://a.com"))
