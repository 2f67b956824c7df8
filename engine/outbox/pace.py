"""One webhook's rate for all who post to it: a slot is taken before each post, and a pause holds for everybody.

The row of a rate holds `tat`, the theoretical arrival time of the GCRA rate-limiting algorithm in milliseconds, and `fails`, how
often in a row nobody answered. A slot whose answer is lost is wasted, and never exceeds the rate.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.outbox.rows import KEPT_SECONDS
from engine.outbox.store import AttributeTest, Write

if TYPE_CHECKING:
    from engine.outbox.calls import Calls

INTERVAL_MS: Final = 1_000
BURST: Final = 3
"""Messages that may follow each other at once: Slack takes four."""

PAUSE_MAX_MS: Final = 300_000
"""A pause ends within five minutes, so that a damaged row cannot silence a channel."""

FAILURE_PAUSE_MAX_MS: Final = 60_000
GONE_MS: Final = 300_000
"""For how long nothing is posted to an address that is gone."""


class Slot(NamedTuple):
    """When a message may be posted, in milliseconds since 1970; how often in a row nobody has answered; whether it is gone."""

    at: int
    fails: int
    gone: bool = False


def rate_key(address: str) -> str:
    """What has a rate: 64 bits of SHA-256 of the address of a webhook, never the address. One URL by two references is one."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]


class Pace:
    """The rates of a table. `burst` and `interval_ms` are those of one worker where the table is not shared."""

    def __init__(self, calls: Calls, burst: int = BURST, interval_ms: int = INTERVAL_MS) -> None:
        self._calls = calls
        self._ahead_ms = (burst - 1) * interval_ms
        self._interval_ms = interval_ms
        self.repaired = 0
        """Rows whose `tat` lay further ahead than any pause."""

    def slot(self, key: str, now: int, wait_ms: int) -> Slot | None:
        """The next slot within `wait_ms`; None where there is none. Raises `TableAwayError`."""
        fresh = ((AttributeTest("tat", "absent"),), (AttributeTest("tat", "<", now),))
        first = Write(_row(key), fresh, {"tat": now + self._interval_ms, "expires": now // 1000 + KEPT_SECONDS})
        written = self._calls.write(first)
        fails, gone = int(written.item.get("fails", 0)), now < int(written.item.get("gone", 0)) <= now + GONE_MS + 60_000
        if written.applied:
            return Slot(now, fails, gone)
        tat = written.item["tat"]
        if type(tat) is not int or tat > now + PAUSE_MAX_MS + self._ahead_ms + 60_000:
            self.repaired += 1
            repair = Write(_row(key), ((AttributeTest("tat", "=", tat),),), {"tat": now + self._interval_ms})
            return Slot(now, fails, gone) if self._calls.write(repair).applied else None
        if tat > now + self._ahead_ms + wait_ms:
            return None
        within = ((AttributeTest("tat", ">=", now), AttributeTest("tat", "<=", now + self._ahead_ms + wait_ms)),)
        taken = self._calls.write(Write(_row(key), within, add={"tat": self._interval_ms}))
        if not taken.applied:
            return None
        return Slot(max(now, int(taken.item["tat"]) - self._interval_ms - self._ahead_ms), fails, gone)

    def paused(self, key: str, now: int) -> bool:
        """Whether somebody asked for a pause: read again by who has waited for a slot."""
        row = _row(key)
        item = self._calls.read([row]).get(row, {})
        return now < int(item.get("quiet", 0)) <= now + PAUSE_MAX_MS + 60_000

    def quiet(self, key: str, now: int, milliseconds: int) -> None:
        """Nobody posts for so long, and no burst follows it."""
        until = now + min(milliseconds, PAUSE_MAX_MS)
        tat = until + self._ahead_ms
        later = ((AttributeTest("tat", "absent"),), (AttributeTest("tat", "<", tat),))
        write = Write(_row(key), later, {"tat": tat, "quiet": until, "expires": until // 1000 + KEPT_SECONDS})
        self._calls.write(write)

    def failed(self, key: str, now: int) -> None:
        """Nobody answered: a pause of 2, 4, 8 … 60 seconds by how often in a row."""
        fails = int(self._calls.write(Write(_row(key), add={"fails": 1})).item["fails"])
        self.quiet(key, now, min(FAILURE_PAUSE_MAX_MS, 1_000 * 2 ** min(fails, 10)))

    def gone(self, key: str, now: int) -> None:
        """The address does not exist any more: nobody posts to it for a while, and what is owed goes to the fallback."""
        self._calls.write(Write(_row(key), put={"gone": now + GONE_MS}))

    def succeeded(self, key: str) -> None:
        """Somebody answered."""
        self._calls.write(Write(_row(key), put={"fails": 0}))


def _row(key: str) -> str:
    return f"pace:{key}"
