"""Fixtures out of real events: account ids, addresses, keys, names, buckets and sessions are replaced, shapes are kept.

A text is cut into words at everything that is neither letter nor digit, and each word is replaced by one of the same form: a
letter by a letter, a digit by a digit, hex digits by hex digits. One word has one replacement in all events of a run, so that the
bucket in `Host`, in the ARN and in the request stays one bucket. An example:

    arn:aws:sts::210987654321:assumed-role/billing/4d7f0a1b2c3e4f50   the set names `billing`
    arn:aws:sts::111122223333:assumed-role/billing/91c02e7ab5d86f3c

Words that the policies name are kept, since decisions rest on them, and so are AWS's own words. Whatever is not known to be
harmless is replaced.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import string
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from engine.model import Event
from engine.pipeline.audit import decision_json
from engine.pipeline.decide import decide
from engine.workbench.explain import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from ipaddress import IPv4Address, IPv6Address

    from engine.model import PolicySet, Record
    from engine.pipeline.setting import Setting

    _Path = tuple[str, ...]

_WORD: Final = re.compile(r"%[0-9A-Fa-f]{2}|[^\W_]+")
_ACCOUNT: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])")
_KEY: Final = re.compile(
    r"(?<![0-9A-Za-z])(A3T[A-Z0-9]|AKIA|ASIA|AROA|AIDA|ABIA|ACCA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)([A-Z0-9]{12,28})(?![0-9A-Za-z])"
)
"""Source of the prefixes: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""
_IPV4: Final = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])")
_UUID: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])")
_ARN_START: Final = re.compile(r"\barn:aws[a-z-]{0,10}:[a-z0-9-]{1,40}:[a-z0-9-]{0,20}:")
"""Partition, service and region: no name of a customer's stands there."""
_EMAIL: Final = re.compile(r"([\w.+-]{1,64})@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_HEX: Final = re.compile(r"[0-9a-f]{8,}|[0-9A-F]{8,}")

ACCOUNTS: Final = ("111122223333", "444455556666", "777788889999", "123456789012", "999988887777", "555566667777")
"""Account ids that AWS's documentation uses."""

_NETWORKS: Final = ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24")
"""Addresses for documentation. Source: RFC 5737; 2001:db8::/32 is that of RFC 3849."""

_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_OWN: Final = ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")
"""Loopback and link-local addresses identify nobody, and stay."""

_KEPT: Final = frozenset(
    {
        "eventVersion",
        "eventSource",
        "eventName",
        "eventTime",
        "eventType",
        "eventCategory",
        "awsRegion",
        "errorCode",
        "apiVersion",
        "userAgent",
        "readOnly",
        "managementEvent",
        "type",
        "issuerType",
        "mfaAuthenticated",
        "creationDate",
        "sessionCredentialFromConsole",
        "tlsVersion",
        "cipherSuite",
        "SignatureVersion",
        "CipherSuite",
        "AuthenticationMethod",
        "x-amz-acl",
        "x-amz-server-side-encryption",
        "x-amz-storage-class",
        "ec2RoleDelivery",
        "invokedBy",
    }
)
"""Fields, at whatever depth, whose texts are AWS's own, or are needed as they are.

Account ids, keys and addresses in them are replaced all the same.
"""

_DROPPED: Final = frozenset({"errorMessage"})
"""Fields that hold sentences about others; no policy and no message reads them."""

_AWS_WORDS: Final = """
a an and amazon amazonaws api app apps arn assumed aws awsreservedsso reserved accesspoint accesspoints
amazoncloudfront bucket cn com csv cloudfront cloudtrail cognito data delete eb ec2 ecs ecstask eks ebs emr federated
gov group gz glue global http https iam identity instance internal io ip jpeg jpg json key kms lambda list local log
logs mfa net object objects oidc org outpost parquet png policy prefix profile provider read restore role roles root
s3 s3alias s3express saml securitytoken service session sessions signin sso sts table task tmp txt user users vpce vpc
write www xa xml xz zip zst us eu ap sa ca me af il mx north south east west central northeast northwest southeast
southwest
"""
AWS_WORDS: Final = frozenset(_AWS_WORDS.split())
"""Words of AWS's names and of files, in lower case."""


class MintError(ValueError):
    """An event whose fixture would be decided or shown otherwise."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A fixture: the record, what a policy test expects of it, and the fields that had to be kept for the decision to stay."""

    record: Record = field(repr=False)
    expect: dict[str, Any]
    kept: tuple[str, ...] = field(repr=False)


class Mint:
    """Replaces what identifies somebody; the same words have the same replacements for as long as it lives."""

    def __init__(self, words: Iterable[str]) -> None:
        """`words` are kept, in any case: those that the policies name."""
        self._kept = {word.casefold() for word in words} | AWS_WORDS
        self._key = secrets.token_bytes(32)
        self._accounts: dict[str, str] = {}
        self._addresses: dict[str, str] = {}

    def keep(self, text: str) -> None:
        """Keep the words of a text, its addresses and account ids from now on."""
        self._kept |= {word.casefold() for word in _WORD.findall(text)} | {text.casefold()}
        self._kept |= {address for address in (*_IPV4.findall(text), text) if _address(address)}

    def copy(self) -> Mint:
        """Another one with the same replacements so far, to try what keeping a text does."""
        other = Mint(())
        other._kept, other._key = set(self._kept), self._key
        other._accounts, other._addresses = dict(self._accounts), dict(self._addresses)
        return other

    def record(self, value: Any, path: _Path = ()) -> Any:  # noqa: ANN401  whatever JSON holds
        """The value with everything replaced that is not known to be harmless. Names of fields stay."""
        if isinstance(value, dict):
            return {name: self.record(inner, (*path, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.record(inner, path) for inner in value]
        if not isinstance(value, str) or not value:
            return value
        if path and path[-1] in _DROPPED:
            return "Access Denied"
        if path and path[-1] in _KEPT:
            return self._marked(value, lambda rest: rest)
        return self._text(value)

    def _text(self, text: str) -> str:
        whole = _address(text)
        if whole is not None:
            return self._address(text, whole)
        return self._marked(text, lambda rest: _WORD.sub(lambda match: self._word(match[0]), rest))

    def _marked(self, text: str, rest: Callable[[str], str]) -> str:
        """A text with its account ids, keys, UUIDs and addresses replaced, and `rest` applied to what stands between them."""
        parts: list[str] = []
        place = 0
        for start, end, replacement in self._marks(text):
            if start < place:  # within the one before
                continue
            parts += (rest(text[place:start]), replacement)
            place = end
        return "".join((*parts, rest(text[place:])))

    def _marks(self, text: str) -> Iterator[tuple[int, int, str]]:
        marks = [(match.start(), match.end(), self._account(match[0])) for match in _ACCOUNT.finditer(text)]
        marks += [(match.start(), match.end(), self._access_key(match[1], match[2])) for match in _KEY.finditer(text)]
        marks += [(match.start(), match.end(), match[0]) for match in _ARN_START.finditer(text)]
        marks += [(match.start(), match.end(), self._email(match[0], match[1])) for match in _EMAIL.finditer(text)]
        marks += [(match.start(), match.end(), self._uuid(match[0])) for match in _UUID.finditer(text)]
        for match in _IPV4.finditer(text):
            address = _address(match[0])
            if address is not None:
                marks.append((match.start(), match.end(), self._address(match[0], address)))
        return iter(sorted(marks))

    def _account(self, account: str) -> str:
        if account in self._kept:
            return account
        if account not in self._accounts:
            free = (other for other in ACCOUNTS if other not in self._kept and other not in self._accounts.values())
            self._accounts[account] = next(free, None) or self._same_form(account, string.digits)
        return self._accounts[account]

    def _access_key(self, prefix: str, rest: str) -> str:
        if f"{prefix}{rest}".casefold() in self._kept:
            return f"{prefix}{rest}"
        return f"{prefix}{self._same_form(rest, string.ascii_uppercase)[: -len('EXAMPLE')]}EXAMPLE"

    def _email(self, text: str, name: str) -> str:
        if text.casefold() in self._kept:
            return text
        return f"{_WORD.sub(lambda match: self._word(match[0]), name)}@example.com"

    def _uuid(self, text: str) -> str:
        return text if text in self._kept else "-".join(self._same_form(group, "0123456789abcdef") for group in text.split("-"))

    def _address(self, text: str, address: IPv4Address | IPv6Address) -> str:
        if text.casefold() in self._kept or any(address in ip_network(own) for own in _OWN):
            return text
        if text not in self._addresses:
            self._addresses[text] = _replacement(address, len(self._addresses))
        return self._addresses[text]

    def _word(self, word: str) -> str:
        if len(word) == 1 or word[0] == "%" or word.casefold() in self._kept:
            return word
        if _HEX.fullmatch(word):
            return self._same_form(word, "0123456789abcdef" if word.islower() or word.isdigit() else "0123456789ABCDEF")
        return self._same_form(word)

    def _same_form(self, word: str, letters: str = "") -> str:
        """A word of the same length with a letter for each letter and a digit for each digit, or all out of `letters`."""
        stream = _stream(self._key, word)
        return "".join(_like(character, letters, next(stream)) for character in word)


def _like(character: str, letters: str, number: int) -> str:
    if letters:
        return letters[number % len(letters)]
    if character.isdigit():
        return string.digits[number % 10]
    alphabet = string.ascii_uppercase if character.isupper() else string.ascii_lowercase
    return alphabet[number % 26]


def _stream(key: bytes, word: str) -> Iterator[int]:
    """Endless numbers that depend on the key and the word."""
    block = hmac.digest(key, word.encode("utf-8", "surrogatepass"), "sha256")
    while True:
        yield from block
        block = sha256(block).digest()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _replacement(address: IPv4Address | IPv6Address, number: int) -> str:
    """An address for documentation, private where the other is, of the same version."""
    if address.version == 6:  # noqa: PLR2004
        private = address in ip_network("fc00::/7")
        return f"{'fd00' if private else '2001:db8'}::{number + 1:x}"
    for network in _PRIVATE:
        if address in ip_network(network):
            return str(ip_network(network)[number % 65_000 + 1])
    network = _NETWORKS[number // 254 % len(_NETWORKS)]
    return str(ip_network(network)[number % 254 + 1])


# --- a fixture is decided and shown as its event is -------------------------------------------------------------------------


def words_of(policies: PolicySet) -> frozenset[str]:
    """The words that the expressions, scopes and aliases of a set name: decisions rest on them."""
    texts: list[str] = []
    for policy in policies.policies:
        texts += (*(policy.buckets or ()), *(policy.accounts or ()))
        texts += (text for route in policy.routes if route.matcher for text in route.matcher.expressions)
        texts += (text for silence in policy.silences for text in silence.matcher.expressions)
    texts += (text for _, evidence in policies.evidence for text in evidence.matcher.expressions)
    texts += (account for level in policies.levels for account in level.account_names)
    return frozenset(word for text in texts for word in _WORD.findall(text))


def of_each_decision(events: Iterable[Event], policies: PolicySet, now: datetime) -> Iterator[Event]:
    """The first event of each decision that a policy set makes about some events: a sample of them. `now`: see `decide`."""
    known: set[str] = set()
    for event in events:
        decided = json.dumps(decision_json(decide(event, policies, now)._replace(event_id=None)))
        if decided not in known:
            known.add(decided)
            yield event


def minted(event: Event, setting: Setting, mint: Mint, now: datetime) -> Minted:
    """The fixture of an event. Raises `MintError` where decision or message would differ, whatever is kept.

    Where something must be kept, the field that suffices is looked for, from the last to the first.
    """
    wanted = _outcome(event, setting, now)
    fixture = mint.record(event.record)
    kept: list[str] = []
    if _outcome(Event(fixture, event.where), setting, now) != wanted:
        path, text = _needed(event, setting, mint, now, wanted)
        mint.keep(text)
        kept.append(".".join(path))
        fixture = mint.record(event.record)
    return Minted(fixture, expected(wanted[0]), tuple(kept))


def _needed(event: Event, setting: Setting, mint: Mint, now: datetime, wanted: object) -> tuple[_Path, str]:
    """The field whose words, kept, keep the decision."""
    for path, text in reversed(list(_texts(event.record, ()))):
        trial = mint.copy()
        trial.keep(text)
        if _outcome(Event(trial.record(event.record), event.where), setting, now) == wanted:
            return path, text
    raise MintError("the decision rests on several fields that would be replaced")


def _texts(value: object, path: _Path) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, path)
    elif isinstance(value, str):
        yield path, value


def _outcome(event: Event, setting: Setting, now: datetime) -> tuple[dict[str, Any], object]:
    """The decision but for the event's id, and the form of each message."""
    explanation = explain(event, setting, now)
    decision = decision_json(explanation.decision)
    decision.pop("event_id", None)
    return decision, {name: _form(message.payload) for name, message in explanation.messages.items()}


def _form(value: object) -> object:
    """A payload without its texts: blocks, marks and styles."""
    if isinstance(value, dict):
        return {name: _form(inner) for name, inner in value.items() if name != "url"} | {
            name: inner for name, inner in value.items() if name == "type"
        }
    if isinstance(value, list):
        return [_form(inner) for inner in value]
    return type(value).__name__


def expected(decision: dict[str, Any]) -> dict[str, Any]:
    """What a policy test expects of a decision."""
    expect = {name: decision[name] for name in ("class", "kind", "evidence", "channels", "routes", "defaulted")}
    for name in ("mutes", "silences", "void"):
        if decision[name]:
            expect[name] = [f"{rule['policy']}/{rule['id']}" for rule in decision[name]]
    return expect
