"""The configuration shared by all batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.model import Deployment, HashKey, PolicySet


class Setting(NamedTuple):
    """Configuration shared by all batches while one policy set is active.

    `shadow` is a set that is decided and recorded beside it, and not posted.
    """

    policies: PolicySet
    deployment: Deployment
    key: HashKey | None = None
    shadow: PolicySet | None = None
