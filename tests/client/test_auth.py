"""Basic credentials, and those of the netrc file."""

import logging
import os
from pathlib import Path

import pytest
from yarl import URL

from tercel.client import auth
from tercel.client.auth import BasicAuth, encode_basic_auth, find_netrc_auth


def test_encoding() -> None:
    assert encode_basic_auth("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert encode_basic_auth("a") == "Basic YTo="
    assert encode_basic_auth("ж", "п") == "Basic 0LY60L8="
    assert BasicAuth("ü", "b").encode() == "Basic /Dpi"
    assert BasicAuth("ü", "b", "utf-8").encode() == "Basic w7w6Yg=="
    with pytest.raises(UnicodeEncodeError):
        BasicAuth("ж").encode()


@pytest.mark.parametrize(("login", "password"), [(None, ""), ("a", None), ("a:b", "")])
def test_what_can_not_be_sent(login: str, password: str) -> None:
    for make in (BasicAuth, encode_basic_auth):
        with pytest.raises(ValueError, match="is not allowed"):
            make(login, password)


def test_it_is_a_tuple() -> None:
    credentials = BasicAuth("a", "b")
    assert credentials == ("a", "b", "latin1")
    assert (credentials.login, credentials.password, credentials.encoding) == credentials
    assert BasicAuth("a").password == ""


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("Basic YTpi", ("a", "b")),
        ("basic YTpi", ("a", "b")),
        ("BASIC  YTpi ", ("a", "b")),
        ("Basic YTpiOmM=", ("a", "b:c")),
        ("Basic YTo=", ("a", "")),
        ("Basic OmI=", ("", "b")),
    ],
)
def test_decoding(field: str, wanted: tuple[str, str]) -> None:
    assert BasicAuth.decode(field)[:2] == wanted


def test_decoding_with_another_encoding() -> None:
    assert BasicAuth.decode("Basic 0LY60L8=", "utf-8") == BasicAuth("ж", "п", "utf-8")


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("", "parse"),
        ("Basic", "parse"),
        ("Bearer YTpi", "Unknown authorization method Bearer"),
        ("Basic !!!!", "base64"),
        ("Basic YTpi YTpi", "base64"),
        ("Basic YTp", "base64"),
        ("Basic YTpié", "base64"),
        ("Basic YWI=", "credentials"),
    ],
)
def test_what_can_not_be_decoded(field: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BasicAuth.decode(field)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://a:b@x", ("a", "b")),
        ("http://a@x", ("a", "")),
        ("http://:b@x", ("", "b")),
        ("http://a%40:b%3A@x", ("a@", "b:")),
        ("http://x", None),
    ],
)
def test_credentials_of_a_url(url: str, wanted: tuple[str, str] | None) -> None:
    found = BasicAuth.from_url(URL(url))
    assert (found and found[:2]) == wanted


def test_a_str_is_no_url() -> None:
    with pytest.raises(TypeError):
        BasicAuth.from_url("http://a:b@x")  # type: ignore[arg-type]


@pytest.fixture
def netrc_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    monkeypatch.setattr(auth, "_netrc", None)
    return path


def test_netrc(netrc_file: Path) -> None:
    netrc_file.write_text("machine a.com login user password secret\nmachine b.com account x\n")
    assert find_netrc_auth("a.com") == BasicAuth("user", "secret", "utf-8")
    assert find_netrc_auth("b.com") == BasicAuth("x", "", "utf-8")
    assert find_netrc_auth("c.com") is None
    assert find_netrc_auth("x.a.com") is None
    assert find_netrc_auth(None) is None


def test_netrc_is_read_again_when_it_changes(netrc_file: Path) -> None:
    netrc_file.write_text("machine a.com login one password x\n")
    assert find_netrc_auth("a.com") == BasicAuth("one", "x", "utf-8")
    netrc_file.write_text("machine a.com login three password x\n")
    assert find_netrc_auth("a.com") == BasicAuth("three", "x", "utf-8")
    netrc_file.unlink()
    assert find_netrc_auth("a.com") is None


def test_netrc_default(netrc_file: Path) -> None:
    netrc_file.write_text("machine a.com login a password b\ndefault login c password d\n")
    assert find_netrc_auth("z.com") == BasicAuth("c", "d", "utf-8")


@pytest.mark.parametrize("text", [None, "machine", "machine a.com login a:b password c\n"])
def test_a_netrc_file_that_is_no_use(
    netrc_file: Path, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    if text is not None:
        netrc_file.write_text(text)
    with caplog.at_level(logging.WARNING, "tercel.client"):
        assert find_netrc_auth("a.com") is None
    assert len(caplog.records) == 1
    assert "netrc" in caplog.text


def test_the_file_in_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(auth, "_netrc", None)
    assert find_netrc_auth("a.com") is None
    assert not caplog.records
    path = tmp_path / ("_netrc" if os.name == "nt" else ".netrc")
    path.write_text("machine a.com login home password x\n")
    path.chmod(0o600)
    assert find_netrc_auth("a.com") == BasicAuth("home", "x", "utf-8")
