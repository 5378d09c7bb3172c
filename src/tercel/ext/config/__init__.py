"""Settings of an application: typed, strict, from a file and the environment.

`load_settings(Settings, "config/app.yaml", argv=sys.argv[1:], prefix="APP_")`. See docs/config.md.
"""

from tercel.ext.config.problems import SettingsError
from tercel.ext.config.settings import find_config_option, load_settings

__all__ = ("SettingsError", "find_config_option", "load_settings")
