"""`trailbell publish`: sign a policy set and store it where Lambdas look for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from engine import __version__
from engine.active_policies import accepted
from engine.cli.options import commit_of, open_policies
from engine.cli.terminal import show
from engine.edge.published import S3Store, ShadowStore, caller
from engine.errors import PolicySetError, PublishedSetError, TrailbellError
from engine.lint import lint
from engine.model import FindingSeverity
from engine.policy.load import read_set
from engine.policy.poller import Copy
from engine.policy.published import pack, place_of, placed, unpack


@click.command(short_help="Sign a policy set and store it for Lambdas.")
@click.argument("path", metavar="[PATH]", default="policies", type=click.Path(file_okay=False, path_type=Path))
@click.option("--to", "url", metavar="s3://BUCKET/KEY", help="Where to store it: the TRAILBELL_POLICIES of the Lambdas.")
@click.option("--key", "key_id", metavar="ARN", help="The KMS key that signs (ECC_NIST_P256, SIGN_VERIFY).")
@click.option(
    "--rollback",
    metavar="VERSION",
    help="Publish the set of this version of the object again, under a new number, instead of the one in PATH.",
)
@click.option(
    "--shadow",
    is_flag=True,
    help="Publish it as the shadow set: functions decide and record it beside the active one, and post nothing of it.",
)
@click.option("--promote", is_flag=True, help="Publish the shadow set as the active one, instead of the one in PATH.")
@click.option(
    "--pack",
    "packed",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the unsigned set to this file instead, so that a job without Trailbell can sign and store it.",
)
def publish(  # noqa: PLR0913  one parameter an option
    path: Path, url: str | None, key_id: str | None, rollback: str | None, packed: Path | None, *, shadow: bool, promote: bool
) -> None:
    """Sign the policy set in PATH (default: policies) with a KMS key and store it in S3, for Lambdas that follow it.

    A set with a linter error is not published. The bucket must have versioning on. The signature covers the place and a number
    that only grows (the time), so a set counts nowhere else, and only --rollback brings an older one back.
    --shadow tries a set on real events: the metric ShadowDiffers counts those that it decides otherwise, and the audit records
    have both decisions. Needs kms:Sign and s3:PutObject; for --rollback and --promote also kms:Verify and s3:GetObjectVersion.
    """
    if [rollback is not None, shadow, promote].count(True) > 1:
        raise click.UsageError("give one of --rollback, --shadow and --promote")
    if packed is not None and url is None and key_id is None and rollback is None and not shadow and not promote:
        policies = open_policies(_folder(path))
        packed.write_bytes(_packed(path))
        show(f"{packed}: policy set {policies.revision}, unsigned")
        return
    if packed is not None or url is None or key_id is None:
        raise click.UsageError("give --to and --key, or --pack alone")
    again = rollback is not None or promote
    revision = "" if again else open_policies(_folder(path)).revision
    content = b"" if again else _packed(path)
    try:
        store = ShadowStore(url, key_id, Copy) if shadow else S3Store(url, key_id, Copy)
        if rollback is not None:
            content, revision = _signed_before(store, store.stored(rollback))
        elif promote:
            beside = ShadowStore(url, key_id, Copy)
            content, revision = _signed_before(beside, _newest(beside))
        version = store.publish(placed(content, store.place, time.time_ns() // 1_000_000, caller()))
    except TrailbellError as error:
        raise click.ClickException(str(error)) from None
    whence = f", the content of version {rollback}," if rollback is not None else ", the shadow set until now," if promote else ""
    show(f"{store.place}: policy set {revision}{whence} published as version {version}")


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise click.UsageError(f"there is no folder {path}")
    return path


def _packed(path: Path) -> bytes:
    """Return the packed set of a folder. A linter error ends the command."""
    sources = read_set(path)
    errors = [finding for finding in lint(sources, datetime.now(UTC)) if finding.severity is FindingSeverity.ERROR]
    for finding in errors:
        show(finding.line, err=True)
    if errors:
        raise click.exceptions.Exit(1)
    return pack(sources, path, commit_of(path), __version__)


def _newest(store: ShadowStore) -> Copy:
    copy: Copy | None = store.newest(None)
    if copy is None:
        raise PublishedSetError(f"there is no shadow set at {store.place}")
    return copy


def _signed_before(store: S3Store, copy: Copy) -> tuple[bytes, str]:
    """Return the content of a copy that the key signed for the store's place, and its revision.

    A version of the older format, whose signature covers no place, is taken, too: it gets its place now.
    Raises `PublishedSetError` for anything else: whoever may write to the bucket must not have a set of theirs signed this way.
    """
    version = copy.version
    if not store.signed(copy):
        raise PublishedSetError(f"version {version} is not signed by this key, so it is not published again")
    old_place = place_of(copy.content)
    if old_place not in {None, store.place}:
        raise PublishedSetError(f"version {version} is signed for another place than {store.place}")
    published = unpack(placed(copy.content, store.place, 1, None))
    try:
        return copy.content, accepted(published.sources, published.commit).revision
    except PolicySetError as error:
        show(*(finding.line for finding in error.findings), err=True)
        raise PublishedSetError(f"version {version} has errors under this engine") from None
