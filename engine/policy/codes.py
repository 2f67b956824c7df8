"""The codes of what can be wrong with a policy set when it is loaded. The linter adds its own, and has a page for each."""

from __future__ import annotations

from typing import Final

NOT_YAML: Final = "TB101"
TOO_LARGE: Final = "TB102"
DUPLICATE_KEY: Final = "TB103"
TAG: Final = "TB104"
AMBIGUOUS: Final = "TB105"
CHARACTERS: Final = "TB106"
NO_FILE: Final = "TB107"
NO_EVENT: Final = "TB108"
VERSION: Final = "TB110"
UNKNOWN_KEY: Final = "TB111"
MISSING_KEY: Final = "TB112"
WRONG_TYPE: Final = "TB113"
WRONG_VALUE: Final = "TB114"
EXPRESSION: Final = "TB201"
NO_SUCH: Final = "TB301"
TWICE: Final = "TB302"
DEFAULT: Final = "TB303"
NOTIFY_OR_MUTE: Final = "TB304"
LEVEL_ORDER: Final = "TB306"
KEY_SHOWS_ACCOUNT: Final = "TB308"
WEBHOOK: Final = "TB309"
WINDOW: Final = "TB310"
TIME: Final = "TB311"
CLASS: Final = "TB312"
BASE: Final = "TB313"
OTHER_BASE: Final = "TB314"
TRUST: Final = "TB315"
DIGEST_OR_INCIDENT: Final = "TB316"
GUARANTEE: Final = "TB318"
PLACEHOLDERS: Final = "TB320"
MUTES_ALL: Final = "TB404"
UNPINNED: Final = "TB405"
NOT_ATTESTED: Final = "TB421"
EVERYONE: Final = "TB422"
ACCOUNTS: Final = "TB423"

LOAD_CODES: Final = frozenset(
    {
        NOT_YAML,
        TOO_LARGE,
        DUPLICATE_KEY,
        TAG,
        AMBIGUOUS,
        CHARACTERS,
        NO_FILE,
        NO_EVENT,
        VERSION,
        UNKNOWN_KEY,
        MISSING_KEY,
        WRONG_TYPE,
        WRONG_VALUE,
        EXPRESSION,
        NO_SUCH,
        TWICE,
        DEFAULT,
        NOTIFY_OR_MUTE,
        LEVEL_ORDER,
        KEY_SHOWS_ACCOUNT,
        WEBHOOK,
        WINDOW,
        TIME,
        CLASS,
        BASE,
        OTHER_BASE,
        TRUST,
        DIGEST_OR_INCIDENT,
        GUARANTEE,
        PLACEHOLDERS,
        MUTES_ALL,
        UNPINNED,
        NOT_ATTESTED,
        EVERYONE,
        ACCOUNTS,
    }
)
"""The codes of findings that keep a set from loading; what each stands for is in `engine.lint.registry`."""
