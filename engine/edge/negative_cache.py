"""Remembers refusals so that a dead webhook is not posted to again, by whichever invocation of this process comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model import HttpResponse


class NegativeResponseCache:
    """A `post` that remembers refusals. `ttl` gives for how many seconds a response may be cached, 0 for most."""

    def __init__(
        self,
        post: Callable[[str, bytes, float], HttpResponse],
        ttl: Callable[[HttpResponse], float],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._ttl = ttl
        self._elapsed = elapsed
        self._refusals: dict[str, tuple[float, HttpResponse]] = {}
        """By URL: until when, and the response."""

    def __repr__(self) -> str:
        """No URL."""
        return "NegativeResponseCache(…)"

    def post(self, url: str, body: bytes, timeout: float) -> HttpResponse:
        """Slack's response, or the earlier refusal where it still holds; of a requested pause, what is left of it."""
        now = self._elapsed()
        self._refusals = {known: refusal for known, refusal in list(self._refusals.items()) if refusal[0] > now}
        if url in self._refusals:
            until, response = self._refusals[url]
            return response if response.retry_after is None else response._replace(retry_after=until - now)
        response = self._post(url, body, timeout)
        seconds = self._ttl(response)
        if seconds > 0.0:
            self._refusals[url] = (self._elapsed() + seconds, response)
        return response
