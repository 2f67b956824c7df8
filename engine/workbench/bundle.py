"""The zip that is deployed, built reproducibly."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE: Final = 0o100644 << 16
_UNIX: Final = 3

LIMIT: Final = 50_000_000
"""The largest zip, in bytes, that Lambda takes as a direct upload. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def bundle(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of the files (path in the zip -> content), sorted, without times or owners: equal files give equal bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.create_system, entry.compress_type = _PLAIN_FILE, _UNIX, zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return target.getvalue()
