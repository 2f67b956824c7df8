"""What a shadow set would do: it is decided and recorded beside the active set, and nothing of it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.pipeline.audit import verdict_json
from engine.pipeline.decide import decide
from engine.pipeline.effect import effect_of
from engine.pipeline.select import passed_over

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model import Decision, Event, FactGroups
    from engine.pipeline.setting import Setting


def shadow_record(event: Event, decision: Decision, setting: Setting, now: datetime, facts: FactGroups) -> dict[str, Any] | None:
    """The part of a decision record about the shadow set: with its decision where that has another effect.

    None where there is no shadow set. Never raises: what a shadow set breaks on costs the event nothing.
    """
    shadow = setting.shadow
    if shadow is None:
        return None
    try:
        verdict = None
        if passed_over(event, shadow.selection, setting.deployment.role) is None:
            verdict = decide(event, shadow, now, facts).verdict
        if effect_of(verdict) == effect_of(decision.verdict):
            return {"revision": shadow.revision, "differs": False}
        return {"revision": shadow.revision, "differs": True, "decision": verdict_json(verdict) if verdict is not None else None}
    except Exception as error:  # noqa: BLE001  see above
        return {"revision": shadow.revision, "differs": True, "failed": type(error).__name__}
