"""The probe's read of its object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from engine.edge.secrets import aws_client
from engine.model import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SESSION: Final = "trailbell-probe"


def probe_of(environment: Mapping[str, str]) -> Probe | None:
    """The probe that an environment names: TRAILBELL_PROBE is `s3://BUCKET/KEY`, TRAILBELL_PROBE_ROLE the ARN of its role."""
    address, role = urlsplit(environment.get("TRAILBELL_PROBE", "")), environment.get("TRAILBELL_PROBE_ROLE", "")
    return Probe(address.netloc, address.path.removeprefix("/"), role) if address.netloc and role else None


def read_canary(probe: Probe, client: Callable[..., Any] = aws_client) -> str:
    """Read the probe's object under its role, since the rule leaves out what the function's own role does.

    Returns why that failed, "" where it did not.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

    try:
        session = client("sts").assume_role(RoleArn=probe.role, RoleSessionName=SESSION)["Credentials"]
        reader = client(
            "s3",
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )
        reader.get_object(Bucket=probe.bucket, Key=probe.key)["Body"].close()
    except ClientError as error:
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code', 'error')}"
    except BotoCoreError as error:
        return type(error).__name__
    return ""
