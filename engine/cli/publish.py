"""`trailbell publish`: sign a policy set and store it where Lambdas look for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from engine.cli.options import commit_of, open_policies
from engine.edge.published import S3Store
from engine.errors import TrailbellError
from engine.lint import lint
from engine.model import FindingSeverity
from engine.policy.load import read_set
from engine.policy.poller import Copy
from engine.policy.published import pack


@click.command(short_help="Sign a policy set and store it for Lambdas.")
@click.argument("path", metavar="[PATH]", default="policies", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", "url", metavar="s3://BUCKET/KEY", help="Where to store it: the TRAILBELL_POLICIES of the Lambdas.")
@click.option("--key", "key_id", metavar="ARN", help="The KMS key that signs (ECC_NIST_P256, SIGN_VERIFY).")
@click.option(
    "--pack",
    "packed",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the unsigned set to this file instead, so that a job without Trailbell can sign and store it.",
)
def publish(path: Path, url: str | None, key_id: str | None, packed: Path | None) -> None:
    """Sign the policy set in PATH (default: policies) with a KMS key and store it in S3, for Lambdas that follow it.

    A set with a linter error is not published. The bucket must have versioning on. Needs kms:Sign and s3:PutObject.
    """
    policies = open_policies(path)
    content = _packed(path)
    if packed is not None and url is None and key_id is None:
        packed.write_bytes(content)
        click.echo(f"{packed}: policy set {policies.revision}, unsigned")
        return
    if packed is not None or url is None or key_id is None:
        raise click.UsageError("give --to and --key, or --pack alone")
    try:
        version = S3Store(url, key_id, Copy).publish(content)
    except TrailbellError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{url}: policy set {policies.revision} published as version {version}")


def _packed(path: Path) -> bytes:
    """Return the packed set of a folder. A linter error ends the command."""
    sources = read_set(path)
    errors = [finding for finding in lint(sources, datetime.now(UTC)) if finding.severity is FindingSeverity.ERROR]
    for finding in errors:
        click.echo(finding.line, err=True)
    if errors:
        raise click.exceptions.Exit(1)
    return pack(sources, path, commit_of(path))
