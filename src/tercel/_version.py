"""The version of this package, the one place that states it. Nothing is imported here."""

__all__ = ("__version__",)

__version__ = "0.1.0"
