"""Settings: four formats, the environment over them, and a sentence for everything wrong."""

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from yarl import URL

from tercel.ext.config import SettingsError, find_config_option, load_settings


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Database:
    url: str
    pool: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5


@dataclass(frozen=True)
class Settings:
    database: Database
    host: str = "127.0.0.1"
    port: int = 8080
    debug: bool = False
    ratio: float = 1.0
    hosts: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    mode: Literal["dev", "prod"] = "dev"
    level: Level = Level.LOW
    folder: Path | None = None
    site: URL = field(default=URL("http://localhost/"))
    replica: Database | None = None

    def __post_init__(self) -> None:
        if self.port == 1:
            raise ValueError("port 1 is taken")


class Structure(msgspec.Struct, rename="kebab"):
    first_name: str
    tags: Annotated[tuple[int, ...], msgspec.Meta(max_length=2)] = ()


YAML = """
database:
  url: sqlite://
  pool: 7
host: example.org
port: 80
debug: true
ratio: 2
hosts: [a, b]
limits: {a: 1}
mode: prod
level: high
folder: /srv/files
site: https://example.org/a
replica: null
"""
TOML = """
host = "example.org"
port = 80
debug = true
ratio = 2
hosts = ["a", "b"]
mode = "prod"
level = "high"
folder = "/srv/files"
site = "https://example.org/a"

[database]
url = "sqlite://"
pool = 7

[limits]
a = 1
"""
JSON = """{
  "database": {"url": "sqlite://", "pool": 7},
  "host": "example.org", "port": 80, "debug": true, "ratio": 2, "hosts": ["a", "b"],
  "limits": {"a": 1}, "mode": "prod", "level": "high", "folder": "/srv/files",
  "site": "https://example.org/a", "replica": null
}"""
INI = """
host = example.org
port = 80
debug = yes
ratio = 2
hosts = a, b
limits = {"a": 1}
mode = prod
level = high
folder = /srv/files
site = https://example.org/a

[database]
url = sqlite://
pool = 7
"""
EXPECTED = Settings(
    Database("sqlite://", 7),
    "example.org",
    80,
    True,
    2.0,
    ["a", "b"],
    {"a": 1},
    "prod",
    Level.HIGH,
    Path("/srv/files"),
    URL("https://example.org/a"),
)


@pytest.mark.parametrize(
    ("name", "text"),
    [("s.yaml", YAML), ("s.yml", YAML), ("s.toml", TOML), ("s.json", JSON), ("s.ini", INI)],
)
def test_formats(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    for start in ("", "\ufeff"):
        path.write_text(start + text, encoding="utf-8")
        assert load_settings(Settings, path) == EXPECTED


def problems_of(path: Path, kind: Any = Settings, **options: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(kind, path, **options)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return [problem.replace(str(path.parent) + "/", "") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port: 80", ["s.yaml: database: missing, expected keys and values"]),
        ("database:\n  pool: 7", ["s.yaml, line 1: database.url: missing, expected str"]),
        ("database: 7", ["s.yaml, line 1: database: expected keys and values, got 7"]),
        (
            "database:\n  url: a\n\n  pol: 7",
            ["s.yaml, line 4: database.pol: unknown; did you mean pool?"],
        ),
        (
            "database:\n  url: a\n  pool: 0",
            ["s.yaml, line 3: database.pool: expected int >= 1, got 0"],
        ),
        (
            "database: {url: 5}\nport: '80'\ndebug: 1\nratio: x\nhosts: a\nlimits: [1]\nmode: test",
            [
                "s.yaml, line 1: database.url: expected str, got 5",
                "s.yaml, line 2: port: expected int, got '80'",
                "s.yaml, line 3: debug: expected bool, got 1",
                "s.yaml, line 4: ratio: expected float, got 'x'",
                "s.yaml, line 5: hosts: expected a list (list[str]), got 'a'",
                "s.yaml, line 6: limits: expected keys and values, got [1]",
                "s.yaml, line 7: mode: expected one of 'dev', 'prod', got 'test'",
            ],
        ),
        (
            "database: {url: a}\nhosts:\n- a\n- 5",
            ["s.yaml, line 4: hosts.1: expected str, got 5"],
        ),
        ("database: {url: a}\nhost: null", ["s.yaml, line 2: host: expected str, got None"]),
        ("database: {url: a}\nhost: no", ["s.yaml, line 2: host: expected str, got False"]),
        ("database: {url: a}\nport: 1", ["s.yaml: port 1 is taken"]),
        ("database: {url: a}\nreplica: {}", ["s.yaml, line 2: replica.url: missing, expected str"]),
        (
            "database: {url: a}\nlevel: none",
            ["s.yaml, line 2: level: expected one of 'low', 'high', got 'none'"],
        ),
        ("a: 1\na: 2", ["s.yaml, line 2: the key a is there twice"]),
        (
            "a: [",
            ["s.yaml, line 1: no valid YAML: expected the node content, but found '<stream end>'"],
        ),
        ("a: !!python/object:os.system x", None),
        ("- a", ["s.yaml, line 1: expected keys and values, got list"]),
        ("a: \0", ["s.yaml: no valid YAML: unacceptable character #x0000"]),
    ],
)
def test_yaml_problems(tmp_path: Path, text: str, expected: list[str] | None) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    found = problems_of(path)
    if expected is None:
        assert "no valid YAML: could not determine a constructor" in found[0]
    else:
        assert [problem.partition(": special")[0] for problem in found] == expected


def test_yaml_aliases_and_merges(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("database: &d\n  url: a\nreplica:\n  <<: *d\n  pool: 9\n", encoding="utf-8")
    settings = load_settings(Settings, path)
    assert settings.database == Database("a")
    assert settings.replica == Database("a", 9)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("s.json", "", "s.json: database: missing, expected keys and values"),
        ("s.json", "{\n,}", "s.json, line 2: no valid JSON: "),
        ("s.json", '{"a": 1, "a": 2}', "s.json: the key a is there twice"),
        ("s.json", "[]", "s.json, line 1: expected keys and values, got list"),
        (
            "s.json",
            '{"database": {"url": "a"},\n"port": "80"}',
            "s.json, line 2: port: expected int, got '80'",
        ),
        ("s.toml", "a = ", "s.toml, line 1: no valid TOML: Invalid value"),
        ("s.toml", "a = 1\na = 2", "s.toml, line 2: no valid TOML: Cannot overwrite a value"),
        (
            "s.toml",
            'host = "a"\n\n[database]\nurl = "a"\npool = "7"',
            "s.toml, line 5: database.pool: expected int, got '7'",
        ),
        ("s.toml", 'database.url = "a"\nport = "7"', "s.toml, line 2: port: expected int, got '7'"),
        ("s.ini", "nonsense", "s.ini, line 1: expected `key = value` or a [section]"),
        ("s.ini", "a = 1\na = 2", "s.ini, line 2: the key a is there twice"),
        ("s.ini", "[a]\n[a]", "s.ini, line 2: the section a is there twice"),
        ("s.ini", "a = 1\n[a.b]\nc = 1", "s.ini: a.b is both a key and a section"),
        (
            "s.ini",
            "debug = maybe\n[database]\nurl = 50%",
            "s.ini, line 1: debug: expected true or false, got 'maybe'",
        ),
        (
            "s.ini",
            "[database]\nurl = a\npool = many",
            "s.ini, line 3: database.pool: expected int, got 'many'",
        ),
        ("s.txt", "", "s.txt: the name of a file of settings ends with one of .yaml, .yml, .toml"),
    ],
)
def test_problems_of_other_formats(tmp_path: Path, name: str, text: str, expected: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = problems_of(path)
    assert len(found) == 1
    assert found[0].startswith(expected), found


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"a: \xff")
    assert problems_of(path) == ["s.yaml: not UTF-8: invalid start byte"]
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    assert problems_of(path) == ["s.yaml: longer than 1048576 octets"]
    path.unlink()
    assert problems_of(path) == [
        "s.yaml (absent): database: missing, expected keys and values",
    ]
    argv = ["--config", str(path)]
    assert problems_of(path, argv=argv) == ["s.yaml: can't be read: No such file or directory"]
    folder = tmp_path / "f.yaml"
    folder.mkdir()
    assert problems_of(folder) == ["f.yaml: can't be read: Is a directory"]


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    @dataclass
    class Secrets:
        password: int
        api_token: list[int]
        long: int = 0

    path = tmp_path / "s.json"
    path.write_text('{"password": "hush", "api_token": "hush", "long": "%s"}' % ("x" * 200))
    found = problems_of(path, Secrets)
    assert "hush" not in "".join(found)
    assert found[0].endswith("password: expected int, got a secret str")
    assert found[2].endswith("x...")
    assert len(found[2]) < 120


def test_structures_of_msgspec(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('first-name = "ada"\ntags = [1, 2]')
    assert load_settings(Structure, path) == Structure("ada", (1, 2))
    path.write_text('first_name = "ada"\ntags = [1, 2, 3]')
    assert problems_of(path, Structure) == [
        "s.toml, line 1: first_name: unknown; did you mean first-name?",
        "s.toml, line 2: tags: expected 0 to 2 items, got 3",
        "s.toml: first-name: missing, expected str",
    ]


def test_what_is_no_structure() -> None:
    with pytest.raises(TypeError, match=r"settings are a dataclass or a msgspec\.Struct"):
        load_settings(dict)


def test_environment_wins(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(YAML)
    environ = {
        "APP_DATABASE__URL": "postgresql://",
        "APP_PORT": "443",
        "APP_DEBUG": "off",
        "APP_HOSTS": "c,d , e",
        "APP_LIMITS": '{"b": 2}',
        "APP_FOLDER": "",
        "APP_REPLICA__URL": "other",
        "APP_HOST": "",
        "OTHER_PORT": "x",
    }
    settings = load_settings(Settings, path, environ=environ, prefix="APP_")
    assert settings.database == Database("postgresql://", 7)
    assert settings.port == 443
    assert settings.debug is False
    assert settings.hosts == ["c", "d", "e"]
    assert settings.limits == {"b": 2}
    assert settings.folder is None
    assert settings.replica == Database("other")
    assert settings.host == ""
    assert load_settings(Settings, path, environ=environ) == EXPECTED
    alone = load_settings(Settings, environ={"X_DATABASE__URL": "a"}, prefix="X_")
    assert alone == Settings(Database("a"))


def test_problems_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(YAML)
    environ = {
        "APP_DATABASE": "x",
        "APP_DATABSE__URL": "x",
        "APP_PORT": "many",
        "APP_PORT__X": "1",
        "APP_HOSTS": "[1]",
    }
    assert problems_of(path, environ=environ, prefix="APP_") == [
        "the environment variable APP_DATABASE: no setting has this name; its parts have names, "
        "after two underscores",
        "the environment variable APP_DATABSE__URL: no setting has this name; did you mean "
        "DATABASE?",
        "the environment variable APP_PORT__X: no setting has this name",
        "the environment variable APP_PORT: port: expected int, got 'many'",
        "the environment variable APP_HOSTS: hosts.0: expected str, got 1",
    ]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], None),
        (["--port", "80"], None),
        (["--config", "a"], "a"),
        (["--config=a", "-c", "b"], "b"),
        (["x", "--config=a", "--other"], "a"),
        (["--", "--config=a"], None),
        (["--configuration=a"], None),
    ],
)
def test_command_line(argv: list[str], expected: str | None) -> None:
    assert find_config_option(argv) == expected


@pytest.mark.parametrize("argv", [["--config"], ["--config="], ["-c", ""]])
def test_option_without_a_path(argv: list[str]) -> None:
    with pytest.raises(SettingsError, match="needs the path of a file"):
        find_config_option(argv)
