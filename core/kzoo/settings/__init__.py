"""What can be set, said once: types, ranges, defaults and a sentence for each setting."""

from kzoo.settings.fields import NoSettings, Setting, defaults_of, setting, settings
from kzoo.settings.reading import known_names, read_settings, refuse_unknown, unknown_name
from kzoo.settings.words import Described, described, range_in_words

__all__ = [
    "Described",
    "NoSettings",
    "Setting",
    "defaults_of",
    "described",
    "known_names",
    "range_in_words",
    "read_settings",
    "refuse_unknown",
    "setting",
    "settings",
    "unknown_name",
]
