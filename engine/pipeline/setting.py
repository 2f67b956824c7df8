"""What stays the same from batch to batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.pipeline.render import LAYOUTS_SIZE, Layouts

if TYPE_CHECKING:
    from engine.model import Deployment, HashKey, PolicySet


class Setting:
    """Configuration shared by all batches while one policy set is active, and the message layouts drawn for that set."""

    __slots__ = ("deployment", "key", "layouts", "policies")

    def __init__(self, policies: PolicySet, deployment: Deployment, key: HashKey | None = None) -> None:
        self.policies = policies
        self.deployment = deployment
        self.key = key
        self.layouts = Layouts(LAYOUTS_SIZE)
