"""The revision of a policy set: a digest of its content, not of its layout."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHOWN: Final = 12


def revision(files: Iterable[Mapping[str, Any]]) -> str:
    """`sha256:` and 12 hex digits, over the content of all files. Comments, key order and file names do not change it."""
    content = sorted(json.dumps(file, sort_keys=True, ensure_ascii=True, separators=(",", ":")) for file in files)
    return f"sha256:{hashlib.sha256(chr(10).join(content).encode('ascii')).hexdigest()[:SHOWN]}"
