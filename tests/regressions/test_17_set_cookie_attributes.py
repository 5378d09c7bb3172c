"""Family 17: attributes of Set-Cookie can't end early and can't begin another."""

from typing import Any

import pytest

from tercel import web

CONTROLS = [chr(code) for code in (*range(0x20), 0x7F)]
ATTRIBUTES = ["domain", "path", "samesite", "expires"]


def lines_of(response: web.Response) -> list[str]:
    from tercel.web.setcookie import cookie_lines

    return list(cookie_lines(response.cookies))


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("octet", [*CONTROLS, ";"])
def test_attributes_are_refused(attribute: str, octet: str) -> None:
    for text in (f"a{octet}b", f"{octet}a", f"a{octet}", f"x{octet} Secure"):
        response = web.Response()
        with pytest.raises(ValueError, match=attribute):
            response.set_cookie("name", "value", **{attribute: text})  # type: ignore[arg-type]


@pytest.mark.parametrize("attribute", ["domain", "path"])
def test_deleting_is_no_way_around(attribute: str) -> None:
    with pytest.raises(ValueError, match=attribute):
        web.Response().del_cookie("name", **{attribute: "a; Domain=b"})  # type: ignore[arg-type]


@pytest.mark.parametrize("octet", [*CONTROLS, ";", " ", "=", ",", '"'])
def test_names_are_refused(octet: str) -> None:
    from http.cookies import CookieError

    for name in (f"a{octet}b", f"{octet}a", f"a{octet}"):
        with pytest.raises((ValueError, CookieError)):
            web.Response().set_cookie(name, "value")


@pytest.mark.parametrize("octet", [*CONTROLS, ";", '"', "\\", ","])
def test_values_are_quoted_or_refused(octet: str) -> None:
    response = web.Response()
    try:
        response.set_cookie("name", f"a{octet}; Domain=evil.com", path="/")
        (line,) = lines_of(response)
    except ValueError:
        return
    value, _, rest = line.partition('"; ')
    assert ";" not in value
    assert not any(each in line for each in CONTROLS)
    assert rest == "Path=/"


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_what_a_handler_puts_there_itself_is_checked(attribute: str) -> None:
    response = web.Response()
    response.cookies["name"] = "value"
    morsel: Any = response.cookies["name"]
    try:
        morsel[attribute] = "a\r\nX-Evil: 1"
    except Exception as error:  # newer Pythons refuse it at once
        assert "ontrol" in str(error)  # noqa: PT017
        return
    with pytest.raises(ValueError, match=attribute):
        lines_of(response)
