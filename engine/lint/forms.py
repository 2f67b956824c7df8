"""What the texts of fields look like, where a text that looks otherwise is never the value: names of buckets, roles, regions.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (characters of role names),
https://docs.aws.amazon.com/general/latest/gr/s3.html (regions).
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable


class Mismatch(NamedTuple):
    """Why a text is not of a form, and what to write; `warns`: it may be one that is not known yet.

    `value` is the text that was certainly meant, where there is one.
    """

    what: str
    instead: str
    warns: bool = False
    value: str | None = None


class Form(NamedTuple):
    """What the texts of a field look like.

    `mismatch` says of a text why the field never is it, None where it may be. `excluded` are characters that no text of this form
    has, so that a pattern which demands one never matches; `excluded_what` says so.
    """

    mismatch: Callable[[str], Mismatch | None]
    excluded: re.Pattern[str]
    excluded_what: str


_NOTHING: Final = re.compile(r"(?!)")
_ARN_RESOURCE: Final = re.compile(r"^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?P<resource>.+)$", re.DOTALL)


def _bucket(text: str) -> Mismatch | None:
    name = re.sub(r"^(?:arn:[^:]*:s3:[^:]*:[^:]*:|s3://)", "", text).partition("/")[0]
    if name != text:
        return Mismatch(f"'{text}' is more than the name of a bucket", f"write '{name}'", value=name)
    if text != text.lower() or "_" in text:
        written = text.lower().replace("_", "-")
        return Mismatch(f"no bucket is named '{text}': names have no capitals and no underscores", f"write '{written}'")
    return None


def _account(text: str) -> Mismatch | None:
    arn = text.split(":")
    if text.startswith("arn:") and len(arn) > _ACCOUNT_OF_ARN and arn[_ACCOUNT_OF_ARN].isdigit():
        account = arn[_ACCOUNT_OF_ARN]
        return Mismatch(f"'{text}' is an ARN, not an account id", f"write '{account}'", value=account)
    digits = text.replace("-", "").replace(" ", "")
    if digits != text and digits.isdigit() and len(digits) == _DIGITS:
        return Mismatch(f"'{text}' is no account id", f"write '{digits}'", value=digits)
    known = text.lower() in _NOBODY or (text.isdigit() and len(text) == _DIGITS)
    return None if known else Mismatch(f"'{text}' is no account id", "write its twelve digits")


_ACCOUNT_OF_ARN: Final = 4
_DIGITS: Final = 12
_NOBODY: Final = frozenset({"anonymous", "anonymous_principal", "cloudfront"})
"""What stands for the account of a caller who has none, or of CloudFront."""


def _role(text: str) -> Mismatch | None:
    arn = _ARN_RESOURCE.match(text)
    if arn is not None:
        kind, *path = arn["resource"].split("/")
        name = path[0] if kind == "assumed-role" and path else path[-1] if path else kind
        return Mismatch("a role's name is no ARN", f"write '{name}'", value=name)
    name = text.rpartition("/")[2]
    return Mismatch("a role's name has no path", f"write '{name}'", value=name) if name != text else None


def _arn(text: str) -> Mismatch | None:
    return None if text.startswith("arn:") else Mismatch(f"'{text}' is no ARN", "an ARN begins with arn:")


def _caller_arn(text: str) -> Mismatch | None:
    arn = _ARN_RESOURCE.match(text)
    if arn is not None and arn["resource"].startswith("role/"):
        name = arn["resource"].rpartition("/")[2]
        what = "the ARN of a caller with a role is that of its session, arn:aws:sts::…:assumed-role/ROLE/SESSION"
        return Mismatch(what, f"write actor.role == '{name}', or test userIdentity.sessionContext.sessionIssuer.arn")
    return _arn(text)


def _region(text: str) -> Mismatch | None:
    if text in REGIONS:
        return None
    close = suggestion(text, REGIONS)
    instead = close if close.startswith("did you mean") else "regions look like eu-west-1"
    known = re.fullmatch(r"[a-z]{2,5}(?:-[a-z]+)+-[0-9]+", text)
    return Mismatch(
        f"there is no region '{text}' that this Trailbell knows" if known else f"'{text}' is no region", instead, bool(known)
    )


def _address(text: str) -> Mismatch | None:
    try:
        ip_address(text)
    except ValueError:
        return Mismatch(*_no_address(text))
    return None


def _no_address(text: str) -> tuple[str, str]:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return f"'{text}' is no address", "addresses look like 192.0.2.1 or 2001:db8::1"
    return f"'{text}' is a network, and == compares with one address", f"write cidr(FIELD, '{text}')"


def _sender(text: str) -> Mismatch | None:
    """`sourceIPAddress` may also be the host name of a service, or `AWS Internal`."""
    return Mismatch(*_no_address(text)) if "/" in text else None


def _source(text: str) -> Mismatch | None:
    if "." in text:
        return None
    return Mismatch(f"'{text}' is no event source", f"write '{text}.amazonaws.com'", value=f"{text}.amazonaws.com")


def _code(text: str) -> Mismatch | None:
    if not re.search(r"\s", text):
        return None
    joined = "".join(word[:1].upper() + word[1:] for word in text.split())
    return Mismatch(f"'{text}' is no error code: codes are one word", f"write '{joined}', or test errorMessage", warns=True)


REGIONS: Final = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
    *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"),
    *("ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2"),
    *("eu-isoe-west-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1"),
    *("il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1"),
    *("us-gov-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1", "us-isof-east-1"),
    *("us-isof-south-1", "us-west-1", "us-west-2"),
)
"""The regions that have S3."""

BUCKET: Final = Form(_bucket, re.compile(r"[A-Z_/:]"), "names of buckets have neither capitals nor _, / and :")
ACCOUNT: Final = Form(_account, re.compile(r"[/:.*]"), "an account id has twelve digits")
ROLE: Final = Form(_role, re.compile(r"[/:]"), "the name of a role has neither / nor :")
ARN: Final = Form(_arn, _NOTHING, "")
CALLER_ARN: Final = Form(_caller_arn, re.compile(r":role/"), "the ARN of a caller is that of its session, …:assumed-role/ROLE/…")
REGION: Final = Form(_region, re.compile(r"[A-Z_/:.]"), "regions look like eu-west-1")
ADDRESS: Final = Form(_address, re.compile(r"/"), "a network is tested with cidr()")
SENDER: Final = Form(_sender, re.compile(r"/"), "a network is tested with cidr()")
CODE: Final = Form(_code, re.compile(r"\s"), "error codes are one word, such as AccessDenied")
SOURCE: Final = Form(_source, re.compile(r"[A-Z_/:]"), "sources look like s3.amazonaws.com")
