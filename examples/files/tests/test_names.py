"""Names that came from somewhere."""

import pytest

from files.names import MAX_NAME, clean_name, count_up


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "a.txt"),
        ("Ünïcode \u2014 naïve.pdf", "Ünïcode \u2014 naïve.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\x\\a.txt", "a.txt"),
        ("/", "file"),
        ("..", "file"),
        ("", "file"),
        (".bashrc", "bashrc"),
        ("a.txt. . ", "a.txt"),
        ("a\0b\r\nc\x1b.txt", "abc.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a:b|c?.txt", "a_b_c_.txt"),
        ("nul", "_nul"),
        ("COM1.log", "_COM1.log"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("  many   spaces .txt", "many spaces.txt"),
    ],
)
def test_clean_names(name: str, expected: str) -> None:
    assert clean_name(name) == expected
    assert clean_name(expected) == expected


@pytest.mark.parametrize("name", ["x" * 500 + ".jpeg", "\u00fc" * 300 + ".pdf", "a." + "b" * 400])
def test_long_names(name: str) -> None:
    cleaned = clean_name(name)
    assert len(cleaned.encode()) <= MAX_NAME
    assert cleaned.endswith(name[-4:]) or len(name.rpartition(".")[2]) > 20


def test_counting() -> None:
    assert count_up("a.tar", 1) == "a.tar"
    assert count_up("a.tar", 3) == "a (3).tar"
    assert count_up("a", 2) == "a (2)"
