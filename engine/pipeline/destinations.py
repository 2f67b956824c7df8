"""Where the rows of a channel go at present: to its own address, or to that of a channel in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.errors import WebhookError
from engine.model import repr_only
from engine.outbox.pace import rate_key

if TYPE_CHECKING:
    from engine.model import Channel, Ports
    from engine.pipeline.setting import Setting


@repr_only("channel")
class Destination(NamedTuple):
    """A channel with its address, which is a secret."""

    channel: Channel
    address: str

    @property
    def rate_key(self) -> str:
        """What shares a rate with it."""
        return rate_key(self.address)


class Destinations:
    """Those of the rows of one channel, by its `name`, for one invocation. Each address is read once."""

    def __init__(self, setting: Setting, ports: Ports, name: str) -> None:
        self._policies = setting.policies
        self._ports = ports
        self._name = name
        self._addresses: dict[str, str] = {}
        self._gone: set[str] = set()
        self.unknown_because = "the channel or its webhook is gone"
        """Why the last address that was looked for is not known."""

    def current(self) -> Destination | None:
        """Where the rows go now; None: nowhere at present.

        That is the fallback where the channel is gone, and the default channels, at the strictest level, where the policy set has
        no such channel any more.
        """
        policies = self._policies
        channel = policies.channels.get(self._name)
        if channel is None:
            strictest = max(policies.levels, key=lambda level: level.rank)
            heirs = [policies.channels[name]._replace(masking_floor=strictest) for name in policies.default.notify]
            return next((made for heir in heirs if (made := self._resolved(heir)) is not None), None)
        own = self._resolved(channel)
        return self.fallback() if own is None and channel.name in self._gone else own

    def fallback(self) -> Destination | None:
        """The channel's fallback, if it has one that has an address."""
        channel = self._policies.channels.get(self._name)
        return None if channel is None or channel.fallback is None else self._resolved(self._policies.channels[channel.fallback])

    def is_gone(self, refused: Destination) -> bool:
        """Whether a channel that Slack says is gone has no newer address: its secret is read again. It is not used again then."""
        channel = self._policies.channels[refused.channel.name]
        fresh = self._resolved(channel, fresh=True)
        if fresh is not None and fresh.address != refused.address:
            return False
        self._gone.add(channel.name)
        return True

    def _resolved(self, channel: Channel, *, fresh: bool = False) -> Destination | None:
        if channel.name in self._gone:
            return None
        if fresh or channel.name not in self._addresses:
            try:
                self._addresses[channel.name] = self._ports.webhook(channel.webhook, fresh)
            except WebhookError as error:
                self.unknown_because = str(error)
                if not error.passing:
                    self._gone.add(channel.name)
                return None
        return Destination(channel, self._addresses[channel.name])
