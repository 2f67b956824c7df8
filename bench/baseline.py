"""What Trailbell is measured against: the same job in the straightforward way, with jmespath.py.

Every expression is compiled once, one interpreter is shared (which makes jmespath.py about twice as fast), and every evidence and
route is asked in its turn.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jmespath
import re2  # type: ignore[import-untyped]  # it has no stubs
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from engine.model import SEVERITY_RANK, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import Level, Matcher, Policy, PolicySet, Route

Decided = dict[str, Any]
"""A decision as the JSON Schema of decisions has it."""

_TEXT: Any = {"types": ["string", "null"]}
_STRING: Any = {"types": ["string"]}


class _Own(Functions):
    """The four functions that policies have beside JMESPath's own."""

    @signature(_TEXT, _STRING)
    def _func_glob(self, value: str | None, pattern: str) -> bool:
        return value is not None and _glob(pattern).match(value) is not None

    @signature(_TEXT, _STRING)
    def _func_regex(self, value: str | None, pattern: str) -> bool:
        return value is not None and _regex(pattern).search(value) is not None

    @signature(_TEXT, _STRING)
    def _func_cidr(self, address: str | None, network: str) -> bool:
        return address is not None and ipaddress.ip_address(address) in ipaddress.ip_network(network)

    @signature(_TEXT)
    def _func_lower(self, value: str | None) -> str | None:
        return None if value is None else value.lower()


@lru_cache(None)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


@lru_cache(None)
def _regex(pattern: str) -> Any:
    return re2.compile(pattern)


INTERPRETER = TreeInterpreter(Options(custom_functions=_Own()))


# --- facts ------------------------------------------------------------------------------------------------------------------


def facts(record: dict[str, Any]) -> dict[str, Any]:
    """The facts under the names of the policy language."""
    identity = record.get("userIdentity") or {}
    parameters = record.get("requestParameters") or {}
    arn = identity.get("arn") or ""
    role = session = None
    if ":assumed-role/" in arn:
        role, _, session = arn.split(":assumed-role/")[1].rpartition("/")
        role = role.split("/")[-1]
    source = (parameters.get("x-amz-copy-source") or "").lstrip("/")
    account, ip = identity.get("accountId"), record.get("sourceIPAddress")
    return {
        "bucket": parameters.get("bucketName"),
        "key": parameters.get("key"),
        "copy": {"bucket": source.partition("/")[0] or None, "key": source.partition("/")[2] or None},
        "actor": {
            "class": None,
            "kind": None,
            "evidence": None,
            "strength": None,
            "type": identity.get("type"),
            "name": identity.get("userName") or session or identity.get("invokedBy"),
            "role": role,
            "session": session,
            "account": account,
            "cross_account": account is not None and account != record.get("recipientAccountId"),
            "service": identity.get("invokedBy"),
        },
        "source": {"ip": ip, **_address(ip)},
        "access": {"denied": record.get("errorCode") == "AccessDenied", "kind": _access(record.get("eventName") or "")},
    }


def _address(ip: str | None) -> dict[str, Any]:
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return {"kind": "service" if ip and ip.endswith(".amazonaws.com") else "none", "private": False}
    return {"kind": f"ipv{address.version}", "private": address.is_private}


def _access(name: str) -> str:
    for kind, starts in (
        ("delete", ("Delete", "Abort")),
        ("list", ("List", "HeadBucket")),
        ("read", ("Get", "Head", "Select")),
        ("write", ("Put", "Copy", "Create", "Post", "Upload", "Complete", "Restore")),
    ):
        if name.startswith(starts):
            return kind
    return "other"


def _buckets(record: dict[str, Any], found: dict[str, Any]) -> set[str]:
    arns = [entry.get("ARN") or "" for entry in record.get("resources") or []]
    named = {arn.split(":::")[1].split("/")[0] for arn in arns if ":::" in arn}
    return named | {bucket for bucket in (found["bucket"], found["copy"]["bucket"]) if bucket}


def _all_owned(policies: Iterable[Policy], buckets: set[str]) -> bool:
    """Whether of each bucket some policy with a scope of its own decided."""
    patterns = [pattern for policy in policies if policy.anchored for pattern in policy.buckets or ()]
    return bool(buckets) and all(any(fnmatch.fnmatchcase(bucket, pattern) for pattern in patterns) for bucket in buckets)


# --- the decision -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Asked:
    """What all policies together came to, so far."""

    wants: list[tuple[Policy, Route | None, str]]
    routes: list[str]
    mutes: list[dict[str, str]]
    failures: list[dict[str, str]]


class Linear:
    """A policy set, asked one expression after the other."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies
        matchers = [
            *(evidence.matcher for actor in policies.actors for evidence in actor.evidence),
            *(route.matcher for policy in policies.policies for route in policy.routes),
            *(silence.matcher for policy in policies.policies for silence in policy.silences),
        ]
        self._trees = {
            id(matcher): [jmespath.compile(one).parsed for one in matcher.expressions] for matcher in matchers if matcher
        }

    def _holds(self, matcher: Matcher | None, document: dict[str, Any]) -> bool:
        return matcher is None or all(INTERPRETER.visit(tree, document) is True for tree in self._trees[id(matcher)])

    def decide(self, record: dict[str, Any], now: datetime) -> Decided:
        """The decision about one record."""
        found = facts(record)
        document = {**record, **found}
        loud = self._classify(document)
        asked = _Asked([], [], [], [])
        time = datetime.fromisoformat(record["eventTime"]) if record.get("eventTime") else now
        buckets = _buckets(record, found)
        scoped = [policy for policy in self._policies.policies if _in_scope(policy, record, buckets)]
        decided = [self._ask(policy, document, asked, loud=loud) for policy in scoped]
        default = self._policies.default
        deciding = [policy for policy, said in zip(scoped, decided, strict=True) if said]
        defaulted = loud or not (
            any(policy.holds_default for policy in deciding)
            or _all_owned(deciding, {found["bucket"], found["copy"]["bucket"]} - {None})
        )
        if defaulted:
            holder = next(policy for policy in self._policies.policies if policy.name == default.policy)
            asked.wants += [(holder, None, channel) for channel in default.notify]
        silences = [] if loud else self._silence(scoped, document, asked, time)
        return {
            "event_id": record.get("eventID"),
            "class": document["actor"]["class"],
            "kind": document["actor"]["kind"],
            "evidence": document["actor"]["evidence"],
            "strength": document["actor"]["strength"],
            "channels": self._merge(asked, scoped),
            "routes": asked.routes,
            "mutes": asked.mutes,
            "silences": silences,
            "void": [],  # the generated sets neither mute nor silence
            "defaulted": defaulted,
            "failures": asked.failures,
            "revision": self._policies.revision,
        }

    def _classify(self, document: dict[str, Any]) -> bool:
        """Write the class into the document; whether mutes are void."""
        for actor, evidence in self._policies.evidence:
            if self._holds(evidence.matcher, document):
                document["actor"] |= {"class": actor.name, "kind": actor.kind.value}
                document["actor"] |= {"evidence": evidence.id, "strength": evidence.strength.value}
                return actor.never_mute
        document["actor"] |= {"class": self._policies.unknown.name, "kind": self._policies.unknown.kind.value}
        return False

    def _ask(self, policy: Policy, document: dict[str, Any], asked: _Asked, *, loud: bool) -> bool:
        """One policy's routes, in order; whether it notified or muted."""
        decided = False
        for route in policy.routes:
            try:
                holds = self._holds(route.matcher, document)
            except JMESPathError as failed:
                asked.failures.append({"policy": policy.name, "id": route.id, "reason": type(failed).__name__})
                loud = True
                continue
            if not holds:
                continue
            asked.routes.append(f"{policy.name}/{route.id}")
            if route.mute is None:
                decided = True
                asked.wants += [(policy, route, channel) for channel in route.notify]
            elif not loud:
                asked.mutes.append({"policy": policy.name, "id": route.id, "reason": route.mute})
                return True
            if not route.continues:
                break
        return decided

    def _silence(self, scoped: Iterable[Policy], document: dict[str, Any], asked: _Asked, time: datetime) -> list[dict[str, str]]:
        silences = []
        for policy in scoped:
            for silence in policy.silences:
                if time < silence.until and self._holds(silence.matcher, document):
                    kept = [
                        want
                        for want in asked.wants
                        if want[0] is not policy or (silence.channels is not None and want[2] not in silence.channels)
                    ]
                    if len(kept) < len(asked.wants):
                        silences.append({"policy": policy.name, "id": silence.id, "reason": silence.reason})
                    asked.wants = kept
        return silences

    def _merge(self, asked: _Asked, scoped: Iterable[Policy]) -> dict[str, str]:
        floors = [policy.masking_floor for policy in scoped if policy.masking_floor]
        levels: dict[str, list[Level]] = {}
        severities: dict[str, int] = {}
        for _, route, channel in asked.wants:
            level = (route and route.level) or self._policies.default.level
            levels.setdefault(channel, [self._policies.channels[channel].masking_floor, *floors]).append(level)
            severity = SEVERITY_RANK[route.severity if route else Severity.WARNING]
            severities[channel] = max(severity, severities.get(channel, 0))
        return {channel: max(found, key=lambda level: level.rank).name for channel, found in levels.items()}


def _in_scope(policy: Policy, record: dict[str, Any], buckets: set[str]) -> bool:
    if policy.accounts is not None and record.get("recipientAccountId") not in policy.accounts:
        return False
    return policy.buckets is None or any(_glob(pattern).match(bucket) for pattern in policy.buckets for bucket in buckets)
