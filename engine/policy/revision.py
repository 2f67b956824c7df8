"""The revision of a policy set: a digest of what it says, not of how it is written."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHOWN: Final = 12


def revision(files: Iterable[Mapping[str, Any]]) -> str:
    """`sha256:` and 12 hex, over the content of all files by their names: comments, key order and file names do not change it."""
    content = sorted(json.dumps(one, sort_keys=True, ensure_ascii=True, separators=(",", ":")) for one in files)
    return f"sha256:{hashlib.sha256(chr(10).join(content).encode('ascii')).hexdigest()[:SHOWN]}"
