"""From a message back to the policies: a link that opens a new file with a mute for just this caller and bucket.

It is offered where no route held, so that a new file decides alone; for a robot or service of this account that is known by its
role; and only with values that the level shows as they are. Values are of an alphabet in which nothing has a meaning to JMESPath,
YAML or a URL; for what is not of it, asterisks included, there is no link. Owner and reason are left blank.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from engine.model import UNKNOWN, Field, Kind
from engine.pipeline.render.links import kept
from engine.pipeline.render.targets import URL_MAX_LENGTH, Link, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Decision, Deployment, MaskedEvent

_BASE: Final = re.compile(r"https://[A-Za-z0-9./_-]+")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_ROLE: Final = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}", re.ASCII)
"""Names as S3 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html) and IAM
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html) allow them."""
_LONGEST_NAME: Final = 60

_FILE: Final = """\
version: 1
name: {name}
owner: ""  # your team
buckets: ["{bucket}"]
routes:
  - id: routine
    when: "{when}"
    mute: ""  # why this may be quiet, and the ticket
"""


def mute_links(masked: MaskedEvent, decision: Decision, deployment: Deployment) -> Iterator[Link]:
    """The link, where it may be offered."""
    base, actor = deployment.changes, decision.verdict.actor
    if base is None or not _BASE.fullmatch(base):
        return
    known = actor.kind in (Kind.ROBOT, Kind.SERVICE) and actor.name != UNKNOWN and not actor.never_mute
    if not known or kept(masked, Field.CLASS) != actor.name:
        return
    if not decision.verdict.defaulted or decision.verdict.routes or masked.denied or masked.cross_account is not False:
        return
    bucket, role = kept(masked, Field.BUCKET), kept(masked, Field.ROLE)
    if bucket is None or role is None or not _BUCKET.fullmatch(bucket) or not _ROLE.fullmatch(role):
        return
    url = _url(base, actor.name, bucket, role, masked.access_kind)
    if len(url) <= URL_MAX_LENGTH:
        yield Link(Target.MUTE, url)


@lru_cache(maxsize=1_024)
def _url(base: str, actor: str, bucket: str, role: str, access: str) -> str:
    """Where the prefilled file opens."""
    name = re.sub(r"[^a-z0-9]+", "-", f"mute-{bucket}-{role}".lower()).strip("-")[:_LONGEST_NAME].strip("-")
    tests = (
        f"actor.class == '{actor}'",
        f"actor.role == '{role}'",
        f"bucket == '{bucket}'",
        "actor.cross_account == `false`",
        f"access.kind == '{access}'",
    )
    content = _FILE.format(name=name, bucket=bucket, when=" && ".join(tests))
    return f"{base}?filename={name}.yaml&value={quote(content, safe='')}"
