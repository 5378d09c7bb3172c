"""The settings: config/default.yaml, or the file of --config, with BLOG_* variables over it."""

from dataclasses import dataclass
from pathlib import Path

from tercel.ext.config import load_settings

__all__ = ("DEFAULT_FILE", "Settings", "load")

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "config" / "default.yaml"


@dataclass(frozen=True)
class Settings:
    """Where the blog listens, and where it keeps its posts and pictures."""

    host: str = "127.0.0.1"
    port: int = 8080
    #: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME
    database: str = "sqlite:///blog.sqlite3"
    #: Pictures that people upload.
    uploads: Path = Path("uploads")


def load(argv: list[str] | None = None) -> Settings:
    """Read them; `tercel.ext.config.SettingsError` says what is wrong, a sentence each."""
    return load_settings(Settings, DEFAULT_FILE, argv=argv, prefix="BLOG_")
