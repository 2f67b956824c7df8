"""The patterns of a `buckets` scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class BucketScope(NamedTuple):
    """A bucket is in it that one of the `patterns` matches and none of the `exclusions`."""

    patterns: tuple[str, ...]
    exclusions: tuple[str, ...]


def bucket_scope(written: Iterable[str]) -> BucketScope:
    """A scope as a policy writes it: an exclusion begins with `!`."""
    texts = tuple(written)
    return BucketScope(
        tuple(text for text in texts if not text.startswith("!")), tuple(text[1:] for text in texts if text.startswith("!"))
    )
