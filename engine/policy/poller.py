"""The newest published policy set if it is valid, otherwise the last one that was.

A set that is not signed for this place, is older than one that was active, cannot be read or has an error never replaces a valid
one.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from engine import __version__
from engine.errors import OlderSetError, PolicySetError, PublishedSetError
from engine.model import ActivePolicySet, RejectedPolicySet, repr_only
from engine.policy.published import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model import PolicySet
    from engine.policy.published import PublishedSet
    from engine.policy.source import Source

_FINDINGS_NAMED: Final = 3
"""How many findings the reason of a rejection names."""

CLOCK_SKEW_SECONDS: Final = 300.0
"""How far a publisher's clock may be ahead. A number beyond that would shut out every set that is published until then."""


@repr_only("version")
class Copy(NamedTuple):
    """A published set as it is stored: its bytes, its signature, and its version in the store."""

    content: bytes
    signature: bytes
    version: str


class StoredState(NamedTuple):
    """What is stored beside a published set: the version that was valid last, and the one that was rejected last."""

    good: str | None = None
    refused: str | None = None


class Store(Protocol):
    """Where sets are published. Every method raises `PublishedSetError`, with a text that holds no secret.

    `place` is its address, which signatures cover; `pinned`: the deployment names one version, whatever its number.
    """

    place: str
    pinned: bool

    def newest(self, known: str | None) -> Copy | None:
        """The newest set; None where it is the `known` version."""

    def stored(self, version: str) -> Copy:
        """The set of one version."""

    def signed(self, copy: Copy) -> bool:
        """Whether the signature is that of the deployment's key over exactly these bytes."""

    def kept(self) -> tuple[str | None, str | None]:
        """The parts of `StoredState`."""

    def keep(self, good: str | None, refused: str | None) -> None:
        """Store them for functions that start later."""


class Numbers(Protocol):
    """The highest number of a set that was active at one place."""

    def raise_to(self, number: int, version: str) -> str | None:
        """Raise it to the number of a version; returns the version that had the highest before, None for none.

        Raises `OlderSetError` where the number is lower, `PublishedSetError` where the highest cannot be read.
        """


class ProcessNumbers:
    """The highest number that this process has seen: all that there is without a table of deliveries."""

    def __init__(self) -> None:
        self._number = 0
        self._version: str | None = None

    def raise_to(self, number: int, version: str) -> str | None:
        """As `Numbers` says."""
        if number < self._number:
            raise OlderSetError
        before, self._number, self._version = self._version, number, version
        return before


class _Verified(NamedTuple):
    """A valid set, what it says of its publication, and the version that was active before it."""

    policies: PolicySet
    number: int
    publisher: str | None
    before: str | None = None


class PolicyPoller:
    """Looks for new sets in a store.

    `accept` makes a set of its files, or raises `PolicySetError` with its findings; its last argument says whether the publisher
    linted them with this version of the engine. `now` counts seconds since 1970.
    """

    def __init__(
        self,
        store: Store,
        accept: Callable[[Sequence[Source], str | None, bool], PolicySet],
        numbers: Numbers | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._accept = accept
        self._numbers = numbers or ProcessNumbers()
        self._now = now
        self._rejected: str | None = None
        """The version that was looked at last and is not valid: it is not looked at again."""

    def start(self) -> tuple[ActivePolicySet | None, RejectedPolicySet | None]:
        """The newest set, else the last valid one, else None; and why the newest is not active."""
        newest = self.look(None)
        if isinstance(newest, ActivePolicySet):
            return newest, None
        rejected = newest or RejectedPolicySet("there is no published policy set")
        try:
            good = StoredState(*self._store.kept()).good
            if good is None:
                return None, rejected
            copy = self._store.stored(good)
            return _active(copy, self._verified(copy)), rejected
        except Exception:  # noqa: BLE001  whatever is stored there, a function has to start
            return None, rejected

    def look(self, known: str | None) -> ActivePolicySet | RejectedPolicySet | None:
        """The newest set, valid or not; None where it is the `known` version. Never raises: an error is a rejection."""
        try:
            return self._looked(known)
        except Exception as error:  # noqa: BLE001  it runs in the background, where nothing else would report it
            return RejectedPolicySet(f"Trailbell broke on the newest policy set ({type(error).__name__})")

    def _looked(self, known: str | None) -> ActivePolicySet | RejectedPolicySet | None:
        try:
            copy = self._store.newest(self._rejected or known)
            if copy is None or copy.version == known:
                return None
        except PublishedSetError as error:
            return RejectedPolicySet(str(error))
        try:
            verified = self._verified(copy)
        except PublishedSetError as error:
            if error.passing:
                return RejectedPolicySet(str(error))
            self._rejected = copy.version
            return RejectedPolicySet(str(error), copy.version, self._keep(refused=copy.version) is not None)
        self._rejected = None
        kept = self._keep(good=copy.version)
        before = (verified.before or (kept.good if kept is not None else None)) if known is None else None
        active = _active(copy, verified)
        return active._replace(new=kept is not None, before=self._compared(before, copy.version))

    def _keep(self, **state: str) -> StoredState | None:
        """Store the new state; returns the one before, None where it is the same. A store that fails stops no valid set."""
        try:
            stored = StoredState(*self._store.kept())
            if stored._replace(**state) == stored:
                return None
            self._store.keep(*stored._replace(**state))
        except Exception:  # noqa: BLE001  nor does a stored state that cannot be read
            return StoredState()
        return stored

    def _compared(self, version: str | None, active: str) -> PolicySet | None:
        """The set that a function which starts compares the active one with; None where it is not known or not signed."""
        if version is None or version == active:
            return None
        try:
            return self._read(self._store.stored(version)).policies
        except Exception:  # noqa: BLE001  it is only compared with
            return None

    def _verified(self, copy: Copy) -> _Verified:
        """The set of a copy that may become active. Raises `PublishedSetError`."""
        verified = self._read(copy)
        if verified.number / 1_000 > self._now() + CLOCK_SKEW_SECONDS:
            raise PublishedSetError("its number is a time to come: the publisher's clock is wrong; publish it again")
        if self._store.pinned:
            return verified
        return verified._replace(before=self._numbers.raise_to(verified.number, copy.version))

    def _read(self, copy: Copy) -> _Verified:
        """The set of a copy. Raises `PublishedSetError` where its signature, its place or its content is not valid."""
        if not self._store.signed(copy):
            raise PublishedSetError("its signature is not that of the key which the deployment names")
        try:
            published = unpack(copy.content)
            number = _number_at(self._store.place, published)
            policies = self._accept(published.sources, published.commit, published.linted_by == __version__)
        except PolicySetError as error:
            named = ", ".join(f"{finding.where} [{finding.code}]" for finding in error.findings[:_FINDINGS_NAMED])
            more = len(error.findings) - _FINDINGS_NAMED
            raise PublishedSetError(f"it has errors: {named}{f' and {more} more' if more > 0 else ''}") from None
        except PublishedSetError:
            raise
        except Exception as error:  # noqa: BLE001  a set that breaks Trailbell is rejected and announced; the active one stays
            raise PublishedSetError(f"Trailbell broke on it ({type(error).__name__})") from None
        return _Verified(policies, number, published.publisher)


def _number_at(place: str, published: PublishedSet) -> int:
    """The number of a set of this place. Raises `PublishedSetError` for a set of another place."""
    if published.place is None or published.number is None:
        raise PublishedSetError("it says neither its place nor a number; publish it with trailbell publish")
    if published.place != place:
        raise PublishedSetError(f"it is signed for another place than {place}")
    return published.number


def _active(copy: Copy, verified: _Verified) -> ActivePolicySet:
    published = datetime.fromtimestamp(verified.number / 1_000, UTC)
    return ActivePolicySet(verified.policies, copy.version, published, verified.publisher)
