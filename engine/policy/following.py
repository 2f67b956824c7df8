"""Which of the published policy sets is in force: the newest, if it proves good; otherwise the last that did.

A set that is not signed, cannot be read or has an error never replaces a good one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from engine.errors import PolicySetError, PublishedSetError
from engine.model import ActivePolicySet, RejectedPolicySet, repr_only
from engine.policy.published import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from engine.model import PolicySet
    from engine.policy.source import Source

_MOST_NAMED: Final = 3
"""Findings that a refusal names."""


@repr_only("version", "modified")
class Copy(NamedTuple):
    """A published set as it is stored: its bytes, the signature beside it, its version there, and since when."""

    content: bytes
    signature: bytes
    version: str
    modified: datetime


class Kept(NamedTuple):
    """What is kept beside a published set: the version that last proved good, and the one that was last refused."""

    good: str | None = None
    refused: str | None = None


class Store(Protocol):
    """Where sets are published. Every method raises `PublishedSetError`, with a text that holds no secret."""

    def newest(self, known: str | None) -> Copy | None:
        """The newest set; None where it is the version that is known."""

    def stored(self, version: str) -> Copy:
        """The set of one version."""

    def signed(self, copy: Copy) -> bool:
        """Whether the signature is that of the key which the deployment names, over just these bytes."""

    def kept(self) -> tuple[str | None, str | None]:
        """The parts of `Kept`."""

    def keep(self, good: str | None, refused: str | None) -> None:
        """Keep them, for whoever starts anew."""


class Following:
    """Follows a store. `accept` makes a set of its files, or raises `PolicySetError` with what is wrong with them."""

    def __init__(self, store: Store, accept: Callable[[Sequence[Source], str | None], PolicySet]) -> None:
        self._store = store
        self._accept = accept
        self._refused: str | None = None
        """The version that was looked at last and is not good: it is not looked at again."""

    def start(self) -> tuple[ActivePolicySet | None, RejectedPolicySet | None]:
        """The newest set, or else the last that proved good, or None; and why the newest is not in force."""
        newest = self.look(None)
        if isinstance(newest, ActivePolicySet):
            return newest, None
        refused = newest or RejectedPolicySet("there is no published policy set")
        try:
            good = Kept(*self._store.kept()).good
            if good is None:
                return None, refused
            copy = self._store.stored(good)
            return ActivePolicySet(self._proved(copy), good, copy.modified), refused
        except Exception:  # noqa: BLE001  whatever is stored there, a function has to start
            return None, refused

    def look(self, known: str | None) -> ActivePolicySet | RejectedPolicySet | None:
        """What the newest set is, if it is not the version that is known. Never raises: what went wrong is a refusal."""
        try:
            return self._looked(known)
        except Exception as error:  # noqa: BLE001  nobody else hears of it
            return RejectedPolicySet(f"Trailbell broke on the newest policy set ({type(error).__name__})")

    def _looked(self, known: str | None) -> ActivePolicySet | RejectedPolicySet | None:
        try:
            copy = self._store.newest(self._refused or known)
            if copy is None or copy.version == known:
                return None
        except PublishedSetError as error:
            return RejectedPolicySet(str(error))
        try:
            policies = self._proved(copy)
        except PublishedSetError as error:
            if error.passing:
                return RejectedPolicySet(str(error))
            self._refused = copy.version
            return RejectedPolicySet(str(error), copy.version, self._noted(refused=copy.version))
        self._refused = None
        return ActivePolicySet(policies, copy.version, copy.modified, self._noted(good=copy.version))

    def _noted(self, **what: str) -> bool:
        """Keep what is new; whether it was. A store that cannot keep it does not stop a good set."""
        try:
            kept = Kept(*self._store.kept())
            if kept._replace(**what) == kept:
                return False
            self._store.keep(*kept._replace(**what))
        except Exception:  # noqa: BLE001  nor one that keeps what nobody can read
            return True
        return True

    def _proved(self, copy: Copy) -> PolicySet:
        if not self._store.signed(copy):
            raise PublishedSetError("its signature is not that of the key which the deployment names")
        try:
            return self._accept(*unpack(copy.content))
        except PolicySetError as error:
            named = ", ".join(f"{one.where} [{one.code}]" for one in error.findings[:_MOST_NAMED])
            more = len(error.findings) - _MOST_NAMED
            raise PublishedSetError(f"it has errors: {named}{f' and {more} more' if more > 0 else ''}") from None
        except PublishedSetError:
            raise
        except Exception as error:  # noqa: BLE001  a set that breaks Trailbell must be refused and told, not stop what is in force
            raise PublishedSetError(f"Trailbell broke on it ({type(error).__name__})") from None
