"""The newest published policy set if it is valid, otherwise the last one that was.

A set that is not signed, cannot be read or has an error never replaces a valid one.
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

_FINDINGS_NAMED: Final = 3
"""How many findings the reason of a rejection names."""


@repr_only("version", "modified")
class Copy(NamedTuple):
    """A published set as it is stored: its bytes, its signature, its version in the store, and when it was stored."""

    content: bytes
    signature: bytes
    version: str
    modified: datetime


class StoredState(NamedTuple):
    """What is stored beside a published set: the version that was valid last, and the one that was rejected last."""

    good: str | None = None
    refused: str | None = None


class Store(Protocol):
    """Where sets are published. Every method raises `PublishedSetError`, with a text that holds no secret."""

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


class PolicyPoller:
    """Looks for new sets in a store. `accept` makes a set of its files, or raises `PolicySetError` with its findings."""

    def __init__(self, store: Store, accept: Callable[[Sequence[Source], str | None], PolicySet]) -> None:
        self._store = store
        self._accept = accept
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
            return ActivePolicySet(self._verified(copy), good, copy.modified), rejected
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
            policies = self._verified(copy)
        except PublishedSetError as error:
            if error.passing:
                return RejectedPolicySet(str(error))
            self._rejected = copy.version
            return RejectedPolicySet(str(error), copy.version, self._is_news(refused=copy.version))
        self._rejected = None
        return ActivePolicySet(policies, copy.version, copy.modified, self._is_news(good=copy.version))

    def _is_news(self, **state: str) -> bool:
        """Store the new state; whether it differs from the stored one. A store that fails does not stop a valid set."""
        try:
            stored = StoredState(*self._store.kept())
            if stored._replace(**state) == stored:
                return False
            self._store.keep(*stored._replace(**state))
        except Exception:  # noqa: BLE001  nor does a stored state that cannot be read
            return True
        return True

    def _verified(self, copy: Copy) -> PolicySet:
        """The set of a copy. Raises `PublishedSetError` where its signature or its content is not valid."""
        if not self._store.signed(copy):
            raise PublishedSetError("its signature is not that of the key which the deployment names")
        try:
            return self._accept(*unpack(copy.content))
        except PolicySetError as error:
            named = ", ".join(f"{finding.where} [{finding.code}]" for finding in error.findings[:_FINDINGS_NAMED])
            more = len(error.findings) - _FINDINGS_NAMED
            raise PublishedSetError(f"it has errors: {named}{f' and {more} more' if more > 0 else ''}") from None
        except PublishedSetError:
            raise
        except Exception as error:  # noqa: BLE001  a set that breaks Trailbell is rejected and announced; the active one stays
            raise PublishedSetError(f"Trailbell broke on it ({type(error).__name__})") from None
