"""Settings: what the file may hold, and the one sentence about what it may not."""

from pathlib import Path

import pytest

from polls.settings import DEFAULT_FILE, PROJECT, Settings, SettingsError, load_settings


def write(folder: Path, text: str) -> Path:
    path = folder / "polls.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_that_comes_with_it_says_the_defaults() -> None:
    assert load_settings(DEFAULT_FILE) == Settings()
    assert Settings().database.database == str(PROJECT / "polls.sqlite3")


def test_everything_may_be_left_out(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "# nothing\n")) == Settings()


def test_values_win_over_defaults(tmp_path: Path) -> None:
    found = load_settings(write(tmp_path, "host: '::1'\nport: 0\naccess_log: false\n"))
    assert found == Settings(host="::1", port=0, access_log=False)


def test_a_relative_sqlite_file_lies_beside_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path, "database: sqlite:///votes.sqlite3\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = load_settings(Path("..", "polls.yaml"))
    assert found.database.database == str(tmp_path.resolve() / "votes.sqlite3")


def test_postgresql_is_one_line(tmp_path: Path) -> None:
    found = load_settings(write(tmp_path, "database: postgresql://me:pass@db.example/votes\n"))
    assert found.database.render_as_string(hide_password=False) == (
        "postgresql://me:pass@db.example/votes"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prot: 80", "unknown key 'prot'; the keys are host, port, database, access_log."),
        ("1: 2", "unknown key 1; the keys are host, port, database, access_log."),
        ("port: '80'", "'port' must be a whole number from 0 to 65535, not '80'."),
        ("port: true", "'port' must be a whole number from 0 to 65535, not True."),
        ("port: 8080.0", "'port' must be a whole number from 0 to 65535, not 8080.0."),
        ("port: 65536", "'port' must be a whole number from 0 to 65535, not 65536."),
        ("port: -1", "'port' must be a whole number from 0 to 65535, not -1."),
        ("port:", "'port' must be a whole number from 0 to 65535, not None."),
        ("host: 1", "'host' must be a host name or an address, such as 127.0.0.1, not 1."),
        ("host: ''", "'host' must be a host name or an address, such as 127.0.0.1, not ''."),
        ("access_log: 1", "'access_log' must be true or false, not 1."),
        ("access_log: 'no'", "'access_log' must be true or false, not 'no'."),
        ("[1, 2]", "must hold lines of the form 'key: value'."),
        ("just words", "must hold lines of the form 'key: value'."),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(caught.value) == f"{path}: {sentence}"


@pytest.mark.parametrize(
    "value",
    ["votes.sqlite3", "'sqlite://'", "mysql://host/votes", "postgresql://host", "'a:b://c/d'", "3"],
)
def test_a_database_that_does_not_fit(tmp_path: Path, value: str) -> None:
    path = write(tmp_path, f"database: {value}")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(caught.value).startswith(f"{path}: 'database' must be a URL such as sqlite:///")


def test_what_is_no_yaml_names_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "host: localhost\nport: [80\n")
    with pytest.raises(SettingsError, match=r"polls\.yaml, line 3: this is not YAML \("):
        load_settings(path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "polls.yaml"
    path.write_bytes(b"host: \xff\xfe")
    with pytest.raises(SettingsError, match=r"must be text in UTF-8\.$"):
        load_settings(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: can't be read \(No such file"):
        load_settings(tmp_path / "none.yaml")
