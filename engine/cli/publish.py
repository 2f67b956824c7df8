"""`trailbell publish`: a policy set, signed and stored where Lambdas look for it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import click

from engine.cli.build import commit_of
from engine.cli.options import NEEDS_BOTO3, open_policies
from engine.edge.published import S3Store
from engine.errors import TrailbellError
from engine.lint import lint
from engine.model import FindingSeverity
from engine.policy.following import Copy
from engine.policy.load import read
from engine.policy.published import pack


@click.command(short_help="Sign a policy set and store it for Lambdas.")
@click.argument("path", metavar="[PATH]", default="policies", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", "url", metavar="s3://BUCKET/KEY", required=True, help="Where the Lambdas look: their TRAILBELL_POLICIES.")
@click.option("--key", "key_id", metavar="ARN", required=True, help="The KMS key that signs (ECC_NIST_P256, SIGN_VERIFY).")
def publish(path: Path, url: str, key_id: str) -> None:
    """Sign the policy set in PATH (default: policies) with a KMS key and store it in S3, for Lambdas that follow it.

    A set with an error of the linter is not published. The bucket has to keep versions. Needs kms:Sign and s3:PutObject.
    """
    policies = open_policies(path)
    sources = read(path)
    errors = [one for one in lint(sources, datetime.now(UTC)) if one.severity is FindingSeverity.ERROR]
    for finding in errors:
        click.echo(finding.line, err=True)
    if errors:
        raise click.exceptions.Exit(1)
    if find_spec("boto3") is None:
        raise click.ClickException(NEEDS_BOTO3)
    try:
        version = S3Store(url, key_id, Copy).publish(pack(sources, path, commit_of(path)))
    except TrailbellError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{url}: policy set {policies.revision} published as version {version}")
