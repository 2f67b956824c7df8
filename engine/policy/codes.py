"""What can be wrong with a policy set as it is loaded: code and, in a line, what it stands for. The linter adds its own."""

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
PLACEHOLDERS: Final = "TB320"
MUTES_ALL: Final = "TB404"
UNPINNED: Final = "TB405"
NOT_ATTESTED: Final = "TB421"
EVERYONE: Final = "TB422"
ACCOUNTS: Final = "TB423"

CODES: Final = {
    NOT_YAML: "the file is not YAML",
    TOO_LARGE: "the file is larger, deeper or more entangled than a policy may be",
    DUPLICATE_KEY: "a key stands twice in one mapping",
    TAG: "a tag, a merge key or an anchor that YAML would act upon",
    AMBIGUOUS: "a plain word that YAML 1.1 reads as something else",
    CHARACTERS: "not UTF-8, or characters that cannot be seen",
    NO_FILE: "no policy could be read",
    NO_EVENT: "a policy test without an event that can be decided",
    VERSION: "the version of the language is missing or unknown",
    UNKNOWN_KEY: "a key that the language does not have",
    MISSING_KEY: "a key that has to be there is not",
    WRONG_TYPE: "a value of the wrong type",
    WRONG_VALUE: "a value that cannot stand there",
    EXPRESSION: "an expression that does not compile",
    NO_SUCH: "a name that nothing in the set has",
    TWICE: "a name or a section that may stand only once",
    DEFAULT: "no default, which would leave events without a channel",
    NOTIFY_OR_MUTE: "a route that neither notifies nor mutes, or both",
    LEVEL_ORDER: "a masking level weaker than one before it",
    KEY_SHOWS_ACCOUNT: "an access key shown where the account is hidden, which it encodes",
    WEBHOOK: "a webhook that is not exactly one reference",
    WINDOW: "recurring hours that are none",
    TIME: "a time or time zone that does not exist",
    CLASS: "an actor class that contradicts itself",
    BASE: "a base that cannot be had",
    OTHER_BASE: "a base of another revision than the set wants",
    TRUST: "a section that holds for every file, in a file that may not say it",
    PLACEHOLDERS: "a text whose languages name different fields",
}
