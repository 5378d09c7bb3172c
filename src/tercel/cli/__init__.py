"""The command line, `tercel` or `python -m tercel`: one module for each command (docs/cli.md)."""

__all__ = ()
