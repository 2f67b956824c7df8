"""The policy set in force: that of the zip, or the newest published one that proves good.

A set that does not verify, load, lint (errors) or compile never replaces a good one. What happens to the sets is told to the
default channels, and no policy can mute it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import PolicySetError, TrailbellError
from engine.model import ActivePolicySet, Claim, FindingSeverity, Outcome, RejectedPolicySet
from engine.pipeline.audit import delivery_record, line
from engine.pipeline.batch import ASKING, LEASE
from engine.pipeline.deliver import WebhookSender
from engine.pipeline.metrics import policies_metric
from engine.pipeline.render import changed_notice, plain, refused_notice
from engine.policy.prepared import load_prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.edge.background import Background
    from engine.model import Channel, Message, PolicySet, Ports
    from engine.pipeline.batch import Setting
    from engine.policy.following import Following
    from engine.policy.source import Source

    Make = Callable[[PolicySet], Setting]
    """What makes the setting of a set; it raises `TrailbellError` where the set asks for what cannot be had."""


_SAME: Final = 900.0
"""Seconds within which functions that tell the same of sets are taken for one. A set that comes back later is told anew."""


class Fixed:
    """One set, for as long as the process lives."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def renew(self, ports: Ports) -> None:
        """Nothing is ever new."""

    def tell(self, ports: Ports) -> None:
        """There is nothing to tell."""


class Followed:
    """The newest published set that proves good: looked for beside the events, and told of when it is another one."""

    def __init__(
        self,
        following: Following,
        background: Background[ActivePolicySet | RejectedPolicySet | None],
        make: Make,
        at_hand: Callable[[], tuple[PolicySet, bool]],
    ) -> None:
        """`at_hand`: the set to begin with where no published one can be had, and whether it is the one for emergencies."""
        self._following = following
        self._background = background
        self._make = make
        self._notices: list[_Notice] = []
        self._refused = 0
        self._unmade: str | None = None
        """The version that was last found good, and asks for what cannot be had: it is looked for again, and told once."""
        self._in_force, refused = following.start()
        policies, emergency = (self._in_force.policies, False) if self._in_force is not None else at_hand()
        self.setting = make(policies)
        if refused is not None:
            self._refuse(refused, told=refused.new or self._in_force is None, emergency=emergency)
        elif self._in_force is not None and self._in_force.new:
            self._notices.append(_Notice(f">{self._in_force.version}", lambda channel: changed_notice(channel, None, policies)))

    def renew(self, ports: Ports) -> None:
        """Put a newer set in force where one was found, and look for the next."""
        for found in self._background.taken():
            self._take(found)
        known = self._in_force.version if self._in_force is not None else None
        self._background.start(lambda: self._following.look(known))
        now = ports.now()
        age = (now - self._in_force.modified).total_seconds() if self._in_force is not None else None
        ports.emit(line(policies_metric(age, self._refused, now, self.setting.deployment.function)))
        self._refused = 0

    def tell(self, ports: Ports) -> None:
        """Tell the default channels what became of sets; after the events, which a slow Slack must not keep waiting."""
        self._notices = [
            notice for notice in self._notices if ports.remaining() <= ASKING or not _told(notice, self.setting.policies, ports)
        ]

    def _take(self, found: ActivePolicySet | RejectedPolicySet | None) -> None:
        before, known = self.setting.policies, self._in_force.version if self._in_force is not None else ""
        if isinstance(found, RejectedPolicySet):
            self._refuse(found, told=found.new, emergency=False)
        elif found is not None:
            try:
                self.setting = self._make(found.policies)
            except TrailbellError as error:
                told, self._unmade = found.version != self._unmade, found.version
                self._refuse(RejectedPolicySet(str(error), found.version), told=told, emergency=False)
                return
            self._in_force = found
            key = f"{known}>{found.version}"
            self._notices.append(_Notice(key, lambda channel: changed_notice(channel, before, found.policies)))

    def _refuse(self, refused: RejectedPolicySet, *, told: bool, emergency: bool) -> None:
        policies, reason = self.setting.policies, refused.reason
        self._refused += 1
        if told:
            key = refused.version or reason
            self._notices.append(_Notice(key, lambda channel: refused_notice(channel, reason, policies, emergency=emergency)))


class _Notice(NamedTuple):
    """Something to tell each default channel. `key`: what several functions that tell the same have in common."""

    key: str
    make: Callable[[Channel], Message]


def _told(notice: _Notice, policies: PolicySet, ports: Ports) -> bool:
    """Whether each default channel has taken a notice, of this function or another; if not, it is told again later."""
    claims = {name: _claim_of(notice, name, ports.now()) for name in policies.default.notify}
    answers = {name: _claimed(claim, ports) for name, claim in claims.items()}
    messages = [notice.make(policies.channels[name]) for name, answer in answers.items() if answer is Claim.GRANTED]
    told = Claim.HELD not in answers.values()
    for delivery in WebhookSender(policies.channels, plain, ports).deliver(messages):
        name, delivered = delivery.message.channel, delivery.outcome is not Outcome.FAILED
        ports.emit(line(delivery_record(delivery, name, [], policies.revision, ports.now())))
        if ports.claims is not None and ports.remaining() > ASKING:
            ports.claims.settle([claims[name]], delivered=delivered)
        told = told and delivered
    return told


def _claimed(claim: str, ports: Ports) -> Claim:
    """Whether this function is the one to tell; without a table of deliveries each one is."""
    left = ports.remaining()
    return ports.claims.claim(claim, left + LEASE) if ports.claims is not None and left > ASKING else Claim.GRANTED


def _claim_of(notice: _Notice, channel: str, now: datetime) -> str:
    return f"policies#{int(now.timestamp() / _SAME)}#{notice.key}#{channel}"


def of_zip(home: Path, named: str | None = None) -> PolicySet:
    """The set of the zip, prepared or read, or the one in the folder that is named."""
    directory = Path(named) if named else home / "policies"
    prepared = None if named else load_prepared(directory, home)
    if prepared is not None:
        return prepared
    from engine.policy.load import load  # noqa: PLC0415  YAML and JSON Schema, which a prepared set does without

    return load(directory, in_force=True)


def at_hand(home: Path) -> tuple[PolicySet, bool]:
    """The set of the zip, or the one for emergencies, and whether it is that."""
    from engine.policy.emergency import emergency_set  # noqa: PLC0415  only where nothing else can be had

    try:
        return of_zip(home), False
    except PolicySetError:
        return emergency_set(), True


def accepted(sources: Sequence[Source], commit: str | None) -> PolicySet:
    """The set of files that load and lint without an error. Raises `PolicySetError`."""
    from engine.lint import lint  # noqa: PLC0415  only where a published set is looked at
    from engine.policy.load import check  # noqa: PLC0415

    errors = [one for one in lint(sources, datetime.now(UTC), in_force=True) if one.severity is FindingSeverity.ERROR]
    policies, _ = (None, ()) if errors else check(sources, commit=commit, in_force=True)
    if policies is None:
        raise PolicySetError(errors)
    return policies


def followed(url: str, key_id: str, every: float, make: Make, home: Path) -> Followed:
    """What follows the sets published at a place of S3, signed with a key of KMS, looked for every so many seconds."""
    from engine.edge.background import Background  # noqa: PLC0415  only where published sets are followed
    from engine.edge.published import S3Store  # noqa: PLC0415
    from engine.policy.following import Copy, Following  # noqa: PLC0415

    store: Any = S3Store(url, key_id, Copy)
    return Followed(Following(store, accepted), Background(every), make, lambda: at_hand(home))
