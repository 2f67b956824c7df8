"""What Slack refuses for a while is not asked of it again meanwhile, whichever invocation of this process comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model import HttpResponse


class Refusals:
    """A `post` that remembers refusals. `lasting` says for how many seconds an answer would be the same, 0 for most."""

    def __init__(
        self,
        post: Callable[[str, bytes, float], HttpResponse],
        lasting: Callable[[HttpResponse], float],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._lasting = lasting
        self._elapsed = elapsed
        self._kept: dict[str, tuple[float, HttpResponse]] = {}

    def __repr__(self) -> str:
        """No URL."""
        return "Refusals(…)"

    def post(self, url: str, body: bytes, timeout: float) -> HttpResponse:
        """What Slack answers, or what it answered before where that still holds; a pause is then what is left of it."""
        now = self._elapsed()
        self._kept = {one: kept for one, kept in self._kept.items() if kept[0] > now}
        if url in self._kept:
            until, answer = self._kept[url]
            return answer if answer.retry_after is None else answer._replace(retry_after=until - now)
        answer = self._post(url, body, timeout)
        seconds = self._lasting(answer)
        if seconds > 0.0:
            self._kept[url] = (self._elapsed() + seconds, answer)
        return answer
