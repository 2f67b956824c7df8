"""Parts of a Slack payload as JSON text.

Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode


def quoted(text: str) -> str:
    """Text as it stands within quotes in JSON."""
    return _ENCODE(text)[1:-1]


@lru_cache(maxsize=256)
def plain_text(text: str) -> str:
    """A plain-text object, in which `:name:` is no emoji."""
    return f'{{"type":"plain_text","text":"{quoted(text)}","emoji":false}}'
