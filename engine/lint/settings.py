"""What a team sets for its own linter, in `trailbell.toml`: severities, the longest silence, where the policy tests are."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from engine.lint.registry import CODES, INTERNAL
from engine.model import Finding, FindingSeverity
from engine.policy.codes import LOAD_CODES
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_DAYS: Final = 3_650
_SEVERITIES: Final = tuple(severity.value for severity in FindingSeverity)
_KEYS: Final = ("tests", "longest-silence-days", "delivery-table", "severity")


class SettingsError(ValueError):
    """A settings file that says something that cannot be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a team sets.

    `tests`: the folder of the policy tests, None for none. `has_table`: the function has a table of deliveries. `include_base`:
    look at the files of the base, too.
    """

    severities: Mapping[str, FindingSeverity] = field(default_factory=dict)
    longest_silence: timedelta = timedelta(days=90)
    tests: str | None = None
    has_table: bool = True
    include_base: bool = False

    def weighed(self, finding: Finding) -> Finding:
        """A finding with the severity that the team gives it."""
        severity = self.severities.get(finding.code, finding.severity)
        return finding if severity is finding.severity else finding._replace(severity=severity)


DEFAULTS: Final = Settings()


def settings_of(text: str) -> Settings:
    """The settings in a text of TOML, under `[lint]`. Raises `SettingsError`."""
    try:
        whole = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"this is not TOML: {error}") from None
    _only(whole, ("lint",), "section")
    section = _table(whole.get("lint", {}), "lint")
    _only(section, _KEYS, "key")
    days = section.get("longest-silence-days", 90)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= _MOST_DAYS:
        raise SettingsError(f"longest-silence-days is a whole number from 1 to {_MOST_DAYS}")
    tests = section.get("tests")
    if tests is not None and not isinstance(tests, str):
        raise SettingsError("tests is the path of a folder")
    has_table = section.get("delivery-table", True)
    if not isinstance(has_table, bool):
        raise SettingsError("delivery-table is true or false: whether the function has a table of deliveries")
    severities = _table(section.get("severity", {}), "lint.severity")
    return Settings({code: _severity(code, given) for code, given in severities.items()}, timedelta(days=days), tests, has_table)


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{name} is a table: [{name}]")
    return value


def _only(table: Mapping[str, Any], known: tuple[str, ...], kind: str) -> None:
    for name in table:
        if name not in known:
            raise SettingsError(f"there is no {kind} {name}; {suggestion(name, known)}")


def _severity(code: str, given: object) -> FindingSeverity:
    if code not in CODES - {INTERNAL}:
        raise SettingsError(f"there is no finding {code}; {suggestion(code, sorted(CODES))}")
    if given not in _SEVERITIES:
        raise SettingsError(f"{code}: a severity is one of {', '.join(_SEVERITIES)}; what is meant at one place is allowed there")
    if code in LOAD_CODES and given != FindingSeverity.ERROR:
        raise SettingsError(f"{code} stays an error: a set with it does not load")
    return FindingSeverity(str(given))
