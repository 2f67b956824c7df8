"""The active policy set: the one in the zip, or the newest published one that is valid.

A set that does not verify, load, lint (errors) or compile never replaces a valid one. Changes of the set are posted to the
default channels, and no policy can mute that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import PolicySetError, TrailbellError
from engine.model import ActivePolicySet, Claim, FindingSeverity, Outcome, RejectedPolicySet, VoidReason
from engine.pipeline.audit import delivery_record, line
from engine.pipeline.deliver import WebhookSender
from engine.pipeline.metrics import policies_metric, shadow_refused_metric
from engine.pipeline.posting import CLAIM_EXTRA_SECONDS, CLAIM_MIN_SECONDS
from engine.pipeline.render import changed_notice, plain, refused_notice, void_notice
from engine.policy.prepared import load_prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from engine.edge.background import Background
    from engine.model import Channel, Message, PolicySet, Ports, WebhookRef
    from engine.pipeline.setting import Setting
    from engine.policy.poller import PolicyPoller
    from engine.policy.source import Source

    MakeSetting = Callable[[PolicySet], Setting]
    """Makes the setting of a set; raises `TrailbellError` where the set needs something that is not available."""


_DAY_SECONDS: Final = 86_400.0
NOTICE_DEDUPE_SECONDS: Final = 900.0
"""Functions that post the same notice within this time post it once. A set that comes back later is announced again."""


LOOK_AGE_SECONDS: Final = 120.0
"""How old the last look for a newer set may be when an event is decided."""

LOOK_SECONDS: Final = 4.0
"""How long events wait for a look at most. Then the active set decides them."""

_TRIES: Final = 2
"""A look that AWS stopped together with the function may end with an answer from then: it is done once more."""


class FixedPolicies:
    """One set for as long as the process lives."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._void_rules = _VoidRules()

    def update(self, ports: Ports) -> None:
        """The set never changes."""

    def post_notices(self, ports: Ports) -> None:
        """Say once a day which mutes and silences are void because they are not allowed."""
        self._void_rules.post(self.setting.policies, ports)


class PolicyUpdater:
    """Keeps the newest valid published set active: polls for it in the background, and announces each change."""

    def __init__(  # noqa: PLR0913, PLR0917  one argument for each of its parts
        self,
        poller: PolicyPoller,
        background: Background[_Look],
        make_setting: MakeSetting,
        fallback: Callable[[], tuple[PolicySet, bool]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        shadow: ShadowFollower | None = None,
    ) -> None:
        """`fallback`: the set to start with where no published one is available, and whether it is the emergency set."""
        self._shadow = shadow
        self._looked = now()
        self._poller = poller
        self._background = background
        self._void_rules = _VoidRules()
        self._make_setting = make_setting
        self._notices: list[_Notice] = []
        self._rejections = 0
        self._unusable: str | None = None
        """The version that was valid last but could not be made a setting: it is tried again, and announced once."""
        self._active, rejected = poller.start()
        policies, emergency = (self._active.policies, False) if self._active is not None else fallback()
        self.setting = make_setting(policies)
        if rejected is not None:
            self._reject(rejected, announce=rejected.new or self._active is None, emergency=emergency)
        elif self._active is not None and self._active.new:
            self._notices += _of_change(self._active, self._active.before, "")

    def update(self, ports: Ports) -> None:
        """Activate a newer set if one was found, and start looking for the next.

        Events wait for a look, for a few seconds at most, where the last one is long ago: AWS stops a function between two
        invocations, and what was published since must be in force for the first event.
        """
        now = ports.now()
        self._take()
        self._look(now, at_once=False)
        for _ in range(_TRIES):
            if (now - self._looked).total_seconds() <= LOOK_AGE_SECONDS or ports.remaining() <= LOOK_SECONDS:
                break
            self._look(now, at_once=True)
            self._background.wait(LOOK_SECONDS / _TRIES)
            self._take()
        else:
            self._looked = now  # in vain, which the next events do not wait for again
        age = max((now - self._active.published).total_seconds(), 0.0) if self._active is not None else None
        function = self.setting.deployment.function
        ports.emit(line(policies_metric(age, self._rejections, now, function)))
        self._rejections = 0
        if self._shadow is not None:
            self.setting = self.setting._replace(shadow=self._shadow.beside(self.setting.policies, ports, function))

    def post_notices(self, ports: Ports) -> None:
        """Post the pending notices to the default channels; after the events, which must not wait for a slow Slack."""
        policies = self.setting.policies
        self._notices = [
            notice for notice in self._notices if ports.remaining() <= CLAIM_MIN_SECONDS or not _post(notice, policies, ports)
        ]
        self._void_rules.post(policies, ports)

    def _look(self, now: datetime, *, at_once: bool) -> None:
        known = self._active.version if self._active is not None else None
        self._background.start(lambda: _Look(now, self._poller.look(known)), at_once=at_once)

    def _take(self) -> None:
        for look in self._background.taken():
            self._looked = max(self._looked, look.began)
            self._apply(look.result)

    def _apply(self, result: ActivePolicySet | RejectedPolicySet | None) -> None:
        before, known = self.setting.policies, self._active.version if self._active is not None else ""
        if isinstance(result, RejectedPolicySet):
            self._reject(result, announce=result.new, emergency=False)
        elif result is not None:
            try:
                self.setting = self._make_setting(result.policies)
            except TrailbellError as error:
                announce, self._unusable = result.version != self._unusable, result.version
                self._reject(RejectedPolicySet(str(error), result.version), announce=announce, emergency=False)
                return
            self._active = result
            self._notices += _of_change(result, before, known)

    def _reject(self, rejected: RejectedPolicySet, *, announce: bool, emergency: bool) -> None:
        policies, reason = self.setting.policies, rejected.reason
        self._rejections += 1
        if announce:
            key = rejected.version or reason
            self._notices.append(_Notice(key, lambda channel: refused_notice(channel, reason, policies, emergency=emergency)))


class ShadowFollower:
    """Follows the shadow set that is published beside the active one. One that is not valid leaves the one before in place."""

    def __init__(self, poller: PolicyPoller, background: Background[ActivePolicySet | RejectedPolicySet | None]) -> None:
        self._poller = poller
        self._background = background
        self._newest: ActivePolicySet | None = None
        self._looks = False

    def beside(self, active: PolicySet, ports: Ports, function: str | None) -> PolicySet | None:
        """The shadow set, as far as it was read; None where there is none, or it has become the active one."""
        for result in self._background.taken():
            if isinstance(result, RejectedPolicySet):
                ports.emit(line(shadow_refused_metric(result.reason, ports.now(), function)))
            elif result is not None:
                self._newest = result
        known = self._newest.version if self._newest is not None else None
        self._background.start(lambda: self._poller.look(known), at_once=not self._looks)
        self._looks = True
        if self._newest is None or self._newest.policies.revision == active.revision:
            return None
        return self._newest.policies


class _Look(NamedTuple):
    """A look for a newer set: when it began, and what it found."""

    began: datetime
    result: ActivePolicySet | RejectedPolicySet | None


class _Notice(NamedTuple):
    """A message for each default channel of a set. `key` is the same in all functions that announce the same within a time.

    `policies` None: those of the active set.
    """

    key: str
    message: Callable[[Channel], Message]
    dedupe_seconds: float = NOTICE_DEDUPE_SECONDS
    policies: PolicySet | None = None


def _of_change(active: ActivePolicySet, before: PolicySet | None, version_before: str) -> list[_Notice]:
    """The notices of a change, with what makes the set quieter.

    The default's channels of the set before hear it, too, where the new set has others: whoever changes where changes are
    announced cannot keep that from those who heard of them.
    """
    from engine.policy.changes import quieter_changes  # noqa: PLC0415  only where published sets are polled

    changes = quieter_changes(before, active.policies) if before is not None else ()
    notice = _Notice(f"{version_before}>{active.version}", lambda channel: changed_notice(channel, before, active, changes))
    if before is None or _default_webhooks(before) <= _default_webhooks(active.policies):
        return [notice]
    return [notice, notice._replace(key=f"{notice.key}<", policies=before)]


def _default_webhooks(policies: PolicySet) -> frozenset[WebhookRef]:
    return frozenset(policies.channels[name].webhook for name in policies.default.notify)


class _VoidRules:
    """Says once a day which mutes and silences of the active set are void for every event: an engine before allowed them."""

    def __init__(self) -> None:
        self._posted: tuple[str, date] | None = None

    def post(self, policies: PolicySet, ports: Ports) -> None:
        """Post the notice if there are such rules and it has not been posted today, of this set."""
        this = policies.revision, ports.now().date()
        if self._posted == this or ports.remaining() <= CLAIM_MIN_SECONDS:
            return
        rules = not_allowed(policies)
        notice = _Notice(f"void>{policies.revision}", lambda channel: void_notice(channel, rules, policies), _DAY_SECONDS)
        if not rules or _post(notice, policies, ports):
            self._posted = this


def not_allowed(policies: PolicySet) -> tuple[str, ...]:
    """The mutes and silences of a set that are void because they are not allowed, as `policy/id`."""
    rules = [
        (policy.name, rule.id, rule.void_for)
        for policy in policies.policies
        for kind in (policy.routes, policy.silences)
        for rule in kind
    ]
    return tuple(f"{policy}/{rule}" for policy, rule, void_for in rules if VoidReason.NOT_ALLOWED in void_for)


def _post(notice: _Notice, active: PolicySet, ports: Ports) -> bool:
    """Whether every default channel has the notice, from this function or another; if not, it is posted again later."""
    policies = notice.policies or active
    keys = {name: _claim_key(notice, name, ports.now()) for name in policies.default.notify}
    claims = {name: _claim(key, ports) for name, key in keys.items()}
    messages = [notice.message(policies.channels[name]) for name, claim in claims.items() if claim is Claim.GRANTED]
    posted = Claim.HELD not in claims.values()
    for delivery in WebhookSender(policies.channels, plain, ports).deliver(messages):
        name, delivered = delivery.message.channel, delivery.outcome is not Outcome.FAILED
        ports.emit(line(delivery_record(delivery, name, [], policies.revision, ports.now())))
        if ports.claims is not None and ports.remaining() > CLAIM_MIN_SECONDS:
            ports.claims.settle([keys[name]], delivered=delivered)
        posted = posted and delivered
    return posted


def _claim(key: str, ports: Ports) -> Claim:
    """Whether this function is the one that posts; without a table of deliveries, every function is."""
    left = ports.remaining()
    if ports.claims is None or left <= CLAIM_MIN_SECONDS:
        return Claim.GRANTED
    return ports.claims.claim(key, left + CLAIM_EXTRA_SECONDS)


def _claim_key(notice: _Notice, channel: str, now: datetime) -> str:
    return f"policies#{int(now.timestamp() / notice.dedupe_seconds)}#{notice.key}#{channel}"


def load_bundled(home: Path, named: str | None = None) -> PolicySet:
    """The set of the zip in `home`, prepared or read from its YAML; or the one in the folder `named`."""
    directory = Path(named) if named else home / "policies"
    prepared = None if named else load_prepared(directory, home)
    if prepared is not None:
        return prepared
    from engine.policy.load import load  # noqa: PLC0415  YAML and JSON Schema, which a prepared set does not need

    return load(directory, in_force=True)


def load_fallback(home: Path) -> tuple[PolicySet, bool]:
    """The set of the zip, or the emergency set where that does not load, and whether it is the emergency set."""
    from engine.policy.emergency import emergency_set  # noqa: PLC0415  only where nothing else is available

    try:
        return load_bundled(home), False
    except PolicySetError:
        return emergency_set(), True


def accepted(sources: Sequence[Source], commit: str | None, linted: bool = False) -> PolicySet:  # noqa: FBT001, FBT002  a callback's
    """The set of files that load and, unless this engine `linted` them before, lint without an error. Raises `PolicySetError`."""
    from engine.policy.load import check  # noqa: PLC0415  only where a published set is looked at

    if not linted:
        from engine.lint import lint  # noqa: PLC0415

        findings = lint(sources, datetime.now(UTC), in_force=True)
        errors = [finding for finding in findings if finding.severity is FindingSeverity.ERROR]
        if errors:
            raise PolicySetError(errors)
    policies, findings = check(sources, commit=commit, in_force=True)
    if policies is None:
        raise PolicySetError(findings)
    return policies


class PublishedSource(NamedTuple):
    """Where published sets come from: the address `s3://bucket/key`, the KMS key that signs, and seconds between two looks.

    `table` is the table of deliveries, which remembers the highest number of a set; None: each process remembers its own.
    """

    url: str
    key_id: str
    every_seconds: float
    table: str | None = None


def policy_updater(source: PublishedSource, make_setting: MakeSetting, home: Path) -> PolicyUpdater:
    """The updater for the sets of a source."""
    from engine.edge.background import Background  # noqa: PLC0415  only where published sets are polled
    from engine.edge.numbers import NumberTable  # noqa: PLC0415
    from engine.edge.published import S3Store, ShadowStore  # noqa: PLC0415
    from engine.policy.poller import Copy, PolicyPoller  # noqa: PLC0415

    def poller_of(store: Any) -> PolicyPoller:  # noqa: ANN401  the edge knows no protocol of the policies' room
        return PolicyPoller(store, accepted, NumberTable(source.table, store.place) if source.table else None)

    poller = poller_of(S3Store(source.url, source.key_id, Copy))
    shadow = ShadowFollower(poller_of(ShadowStore(source.url, source.key_id, Copy)), Background(source.every_seconds))
    return PolicyUpdater(poller, Background(source.every_seconds), make_setting, lambda: load_fallback(home), shadow=shadow)
