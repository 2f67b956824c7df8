"""The client in two words, such as `aws-cli on macOS`: which program called, and on which platform, as its user agent says.

A user agent is whatever its sender writes: this names what it claims to be. The first row with a text that the agent contains
(in any case) decides, so what contains another's text stands before it: the S3 console's agent contains `aws-sdk-java`, a
browser's `Chrome` contains `Safari`, the command line's contains `Botocore`.

Sources: `botocore` https://github.com/boto/botocore/blob/develop/botocore/useragent.py (aws-cli, Boto3; what stands behind
`exec-env/` is the variable AWS_EXECUTION_ENV in all SDKs); `sdk` the SDK's own sources, https://github.com/aws; `aws` records of
AWS's own programs in published CloudTrail logs; `mdn`
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/User-Agent; `own` how the program calls itself, in its sources or in
published access logs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple


class Program(NamedTuple):
    """A program, the texts that its user agent contains, and where that is known from. `local`: it runs where its user is."""

    name: str
    texts: tuple[str, ...]
    source: str
    local: bool = True


PROGRAMS: Final = (
    # AWS's own, which run in AWS: what they say of their platform says nothing about the caller.
    Program("S3 console", ("s3console/", "aws console s3"), "aws", local=False),
    Program("AWS console", ("signin.amazonaws.com", "console.amazonaws.com", "aws-console-signin"), "aws", local=False),
    Program("EventBridge Scheduler", ("amazoneventbridgescheduler",), "aws", local=False),
    Program("CloudFront", ("amazon cloudfront",), "aws", local=False),
    Program("EMR", ("elasticmapreduce/", "emrfs"), "aws", local=False),
    Program("Lambda", ("awslambda-worker",), "aws", local=False),
    Program("AWS", ("aws internal", "aws-internal/"), "aws", local=False),
    # Tools of attackers and testers.
    Program("Stratus Red Team", ("stratus-red-team",), "own"),
    Program("Pacu", ("pacu",), "own"),
    Program("TruffleHog", ("trufflehog",), "own"),
    # Infrastructure as code and developers' tools.
    Program("OpenTofu", ("opentofu/",), "own"),
    Program("Terraform", ("terraform/", "terraform-provider-aws"), "own"),
    Program("Pulumi", ("pulumi",), "own"),
    Program("AWS CDK", ("aws-cdk",), "sdk"),
    Program("AWS Toolkit", ("aws-toolkit",), "sdk"),
    # Programs that people browse and copy objects with.
    Program("S3 Browser", ("s3 browser", "s3browser"), "own"),
    Program("Mountain Duck", ("mountain duck", "mountainduck"), "own"),
    Program("Cyberduck", ("cyberduck",), "own"),
    Program("CloudMounter", ("cloudmounter",), "own"),
    Program("WinSCP", ("winscp",), "own"),
    Program("FileZilla", ("filezilla",), "own"),
    Program("Transmit", ("transmit/",), "own"),
    Program("MSP360", ("cloudberry", "msp360"), "own"),
    Program("rclone", ("rclone/",), "own"),
    Program("s5cmd", ("s5cmd",), "own"),
    Program("s3cmd", ("s3cmd",), "own"),
    Program("s3fs", ("s3fs/",), "own"),
    Program("Mountpoint", ("mountpoint-s3",), "sdk"),
    Program("MinIO client", ("minio",), "own"),
    # Data platforms; their agents contain an SDK's.
    Program("Databricks", ("databricks",), "own"),
    Program("Snowflake", ("snowflake",), "own"),
    Program("Trino", ("trino",), "own"),
    Program("Presto", ("presto",), "own"),
    Program("Hadoop", ("hadoop",), "own"),
    # The command lines and the SDKs.
    Program("PowerShell", ("powershell",), "sdk"),
    Program("aws-cli", ("aws-cli/",), "botocore"),
    Program("Boto3", ("boto3/", "aws-sdk-python"), "botocore"),
    Program("Botocore", ("botocore/",), "botocore"),
    Program("Boto", ("boto/",), "botocore"),
    Program("Java SDK", ("aws-sdk-java",), "sdk"),
    Program("Go SDK", ("aws-sdk-go",), "sdk"),
    Program("JavaScript SDK", ("aws-sdk-js", "aws-sdk-nodejs"), "sdk"),
    Program("Rust SDK", ("aws-sdk-rust",), "sdk"),
    Program("C++ SDK", ("aws-sdk-cpp",), "sdk"),
    Program("PHP SDK", ("aws-sdk-php",), "sdk"),
    Program("Ruby SDK", ("aws-sdk-ruby",), "sdk"),
    Program(".NET SDK", ("aws-sdk-dotnet", "aws-sdk-net"), "sdk"),
    Program("Kotlin SDK", ("aws-sdk-kotlin",), "sdk"),
    Program("Swift SDK", ("aws-sdk-swift",), "sdk"),
    Program("Android SDK", ("aws-sdk-android",), "sdk"),
    Program("iOS SDK", ("aws-sdk-ios",), "sdk"),
    # Plain HTTP.
    Program("Python requests", ("python-requests/",), "own"),
    Program("Python urllib", ("python-urllib/",), "own"),
    Program("aiohttp", ("aiohttp/",), "own"),
    Program("Go program", ("go-http-client/",), "own"),
    Program("OkHttp", ("okhttp/",), "own"),
    Program("Java program", ("apache-httpclient/",), "own"),
    Program("Postman", ("postmanruntime/", "postman/"), "own"),
    Program("curl", ("curl/",), "own"),
    Program("Wget", ("wget/",), "own"),
    # Browsers, and what calls itself one; each after those whose agents contain its name.
    Program("Googlebot", ("googlebot",), "own", local=False),
    Program("Bingbot", ("bingbot",), "own", local=False),
    Program("Edge", ("edg/", "edga/", "edgios/"), "mdn"),
    Program("Opera", ("opr/",), "mdn"),
    Program("Firefox", ("firefox/", "fxios/"), "mdn"),
    Program("Chrome", ("chrome/", "crios/"), "mdn"),
    Program("Safari", ("safari/",), "mdn"),
    Program("browser", ("mozilla",), "mdn"),
)
"""In this order."""

PLATFORMS: Final = (
    ("Fargate", ("exec-env/aws_ecs_fargate",)),
    ("ECS", ("exec-env/aws_ecs_ec2",)),
    ("Lambda", ("exec-env/aws_lambda",)),
    ("CloudShell", ("exec-env/cloudshell",)),
    ("WSL", ("microsoft-standard",)),
    ("Docker Desktop", ("linuxkit",)),
    ("Kali Linux", (".kali", "-kali", "/kali")),
    ("Parrot Linux", (".parrot", "parrot1-", "/parrot")),
    ("Azure", ("-azure",)),
    ("Google Cloud", ("-gcp",)),
    ("Amazon Linux", (".amzn",)),
    ("Android", ("android",)),
    ("iOS", ("iphone", "ipad", "os/ios")),
    ("macOS", ("darwin", "macos", "mac os", "macintosh")),
    ("Windows", ("windows", "win32", "win64")),
    ("ChromeOS", ("cros ",)),
    ("Linux", ("linux",)),
)
"""Platforms and the texts that name them, in this order. The kernel of Kali, Azure and Amazon Linux says `Linux` as well."""

ON: Final = " on "
"""What stands between the program and the platform."""

_AGENT_MAX_LENGTH: Final = 1_024
"""CloudTrail cuts user agents at this length."""

_CACHE_SIZE: Final = 1_024

_SERVICE_HOST: Final = re.compile(r"\[?[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|aws\.internal)\]?", re.ASCII)
"""The whole agent of an AWS service that calls for itself or in somebody's name."""

_PRODUCT: Final = re.compile(r"\[?([A-Za-z][A-Za-z0-9._-]{0,31})(?=[/ ;,\]]|\Z)", re.ASCII)
"""The whole first product of an agent that no row knows (RFC 9110, 10.1.5)."""


def client(user_agent: object) -> str | None:
    """`program on platform`, or the program alone where it does not say on which; None where the user agent names no program."""
    return _client(user_agent[:_AGENT_MAX_LENGTH]) if isinstance(user_agent, str) else None


def program_of(name: str) -> str:
    """The program of a client without its platform."""
    return name.partition(ON)[0]


@lru_cache(_CACHE_SIZE)
def _client(user_agent: str) -> str | None:
    agent = user_agent.lower()
    for program in PROGRAMS:
        if any(text in agent for text in program.texts):
            return _placed(program.name, agent) if program.local else program.name
    if _SERVICE_HOST.fullmatch(agent):
        return "AWS"
    product = _PRODUCT.match(user_agent)
    return _placed(product[1], agent) if product else None


def _placed(name: str, agent: str) -> str:
    for platform, texts in PLATFORMS:
        if any(text in agent for text in texts):
            return f"{name}{ON}{platform}"
    return name
