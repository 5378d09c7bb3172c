"""What the application keeps, by key."""

from tercel import web

from .config import Settings

SETTINGS = web.AppKey("SETTINGS", Settings)
