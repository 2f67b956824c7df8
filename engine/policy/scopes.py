"""The patterns of a `buckets` scope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import PolicySet


_FEWEST: Final = 3
"""Literal characters in a row. A bucket's name has as many at least.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""
_WILD: Final = re.compile(r"[*?]")


class BucketScope(NamedTuple):
    """A bucket is in it that one of the `patterns` matches and none of the `exclusions`."""

    patterns: tuple[str, ...]
    exclusions: tuple[str, ...]

    @property
    def bounded(self) -> bool:
        """Whether each pattern demands three literal characters in a row, so that it is about some buckets and not nearly all."""
        return bool(self.patterns) and all(max(map(len, _WILD.split(pattern))) >= _FEWEST for pattern in self.patterns)


def bucket_scope(written: Iterable[str]) -> BucketScope:
    """A scope as a policy writes it: an exclusion begins with `!`."""
    texts = tuple(written)
    return BucketScope(
        tuple(text for text in texts if not text.startswith("!")), tuple(text[1:] for text in texts if text.startswith("!"))
    )


def named_buckets(policies: PolicySet) -> tuple[str, ...]:
    """The buckets that the scopes of a policy set name without wildcards, each once, in order."""
    patterns = (bucket for policy in policies.policies for bucket in policy.buckets or ())
    return tuple(dict.fromkeys(bucket for bucket in patterns if not set("*?") & set(bucket)))
