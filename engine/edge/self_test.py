"""What a function says of itself: whether it can read each webhook and its table. It posts nothing, and tells no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.errors import WebhookError

if TYPE_CHECKING:
    from engine.edge.claims import DeliveryTable
    from engine.model import Channel, PolicySet, Ports

_LEAST_SECONDS: Final = 10.0
"""Less time than that is left: no more webhooks are read."""

_NO_TIME: Final = "not looked at, for want of time"


def self_test(policies: PolicySet, ports: Ports, table: DeliveryTable | None) -> dict[str, Any]:
    """The revision in force; for each channel why its webhook cannot be read, "" where it can; the same of the table.

    `buckets`: when the last event of each came, in seconds since 1970.
    """
    buckets, why = table.last_events() if table is not None else ({}, "")
    return {
        "revision": policies.revision,
        "webhooks": {name: _webhook(channel, ports) for name, channel in policies.channels.items()},
        "table": f"the table cannot be read ({why})" if why else "",
        "buckets": buckets,
    }


def _webhook(channel: Channel, ports: Ports) -> str:
    if ports.remaining() < _LEAST_SECONDS:
        return _NO_TIME
    try:
        ports.webhook(channel.webhook, True)  # noqa: FBT003  as Ports has it
    except WebhookError as error:
        return str(error)
    return ""
