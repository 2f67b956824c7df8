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

from engine.model import CLIENT_ON


class ClientProgram(NamedTuple):
    """A program, the texts that its user agent contains, and where that is known from. `local`: it runs where its user is."""

    name: str
    texts: tuple[str, ...]
    source: str
    local: bool = True


PROGRAMS: Final = (
    # AWS's own, which run in AWS: what they say of their platform says nothing about the caller.
    ClientProgram("S3 console", ("s3console/", "aws console s3"), "aws", local=False),
    ClientProgram("AWS console", ("signin.amazonaws.com", "console.amazonaws.com", "aws-console-signin"), "aws", local=False),
    ClientProgram("EventBridge Scheduler", ("amazoneventbridgescheduler",), "aws", local=False),
    ClientProgram("CloudFront", ("amazon cloudfront",), "aws", local=False),
    ClientProgram("EMR", ("elasticmapreduce/", "emrfs"), "aws", local=False),
    ClientProgram("Lambda", ("awslambda-worker",), "aws", local=False),
    ClientProgram("AWS", ("aws internal", "aws-internal/"), "aws", local=False),
    # Tools of attackers and testers.
    ClientProgram("Stratus Red Team", ("stratus-red-team",), "own"),
    ClientProgram("Pacu", ("pacu",), "own"),
    ClientProgram("TruffleHog", ("trufflehog",), "own"),
    # Infrastructure as code and developers' tools.
    ClientProgram("OpenTofu", ("opentofu/",), "own"),
    ClientProgram("Terraform", ("terraform/", "terraform-provider-aws"), "own"),
    ClientProgram("Pulumi", ("pulumi",), "own"),
    ClientProgram("AWS CDK", ("aws-cdk",), "sdk"),
    ClientProgram("AWS Toolkit", ("aws-toolkit",), "sdk"),
    # Programs that people browse and copy objects with.
    ClientProgram("S3 Browser", ("s3 browser", "s3browser"), "own"),
    ClientProgram("Mountain Duck", ("mountain duck", "mountainduck"), "own"),
    ClientProgram("Cyberduck", ("cyberduck",), "own"),
    ClientProgram("CloudMounter", ("cloudmounter",), "own"),
    ClientProgram("WinSCP", ("winscp",), "own"),
    ClientProgram("FileZilla", ("filezilla",), "own"),
    ClientProgram("Transmit", ("transmit/",), "own"),
    ClientProgram("MSP360", ("cloudberry", "msp360"), "own"),
    ClientProgram("rclone", ("rclone/",), "own"),
    ClientProgram("s5cmd", ("s5cmd",), "own"),
    ClientProgram("s3cmd", ("s3cmd",), "own"),
    ClientProgram("s3fs", ("s3fs/",), "own"),
    ClientProgram("Mountpoint", ("mountpoint-s3",), "sdk"),
    ClientProgram("MinIO client", ("minio",), "own"),
    # Data platforms; their agents contain an SDK's.
    ClientProgram("Databricks", ("databricks",), "own"),
    ClientProgram("Snowflake", ("snowflake",), "own"),
    ClientProgram("Trino", ("trino",), "own"),
    ClientProgram("Presto", ("presto",), "own"),
    ClientProgram("Hadoop", ("hadoop",), "own"),
    # The command lines and the SDKs.
    ClientProgram("PowerShell", ("powershell",), "sdk"),
    ClientProgram("aws-cli", ("aws-cli/",), "botocore"),
    ClientProgram("Boto3", ("boto3/", "aws-sdk-python"), "botocore"),
    ClientProgram("Botocore", ("botocore/",), "botocore"),
    ClientProgram("Boto", ("boto/",), "botocore"),
    ClientProgram("Java SDK", ("aws-sdk-java",), "sdk"),
    ClientProgram("Go SDK", ("aws-sdk-go",), "sdk"),
    ClientProgram("JavaScript SDK", ("aws-sdk-js", "aws-sdk-nodejs"), "sdk"),
    ClientProgram("Rust SDK", ("aws-sdk-rust",), "sdk"),
    ClientProgram("C++ SDK", ("aws-sdk-cpp",), "sdk"),
    ClientProgram("PHP SDK", ("aws-sdk-php",), "sdk"),
    ClientProgram("Ruby SDK", ("aws-sdk-ruby",), "sdk"),
    ClientProgram(".NET SDK", ("aws-sdk-dotnet", "aws-sdk-net"), "sdk"),
    ClientProgram("Kotlin SDK", ("aws-sdk-kotlin",), "sdk"),
    ClientProgram("Swift SDK", ("aws-sdk-swift",), "sdk"),
    ClientProgram("Android SDK", ("aws-sdk-android",), "sdk"),
    ClientProgram("iOS SDK", ("aws-sdk-ios",), "sdk"),
    # Plain HTTP.
    ClientProgram("Python requests", ("python-requests/",), "own"),
    ClientProgram("Python urllib", ("python-urllib/",), "own"),
    ClientProgram("aiohttp", ("aiohttp/",), "own"),
    ClientProgram("Go program", ("go-http-client/",), "own"),
    ClientProgram("OkHttp", ("okhttp/",), "own"),
    ClientProgram("Java program", ("apache-httpclient/",), "own"),
    ClientProgram("Postman", ("postmanruntime/", "postman/"), "own"),
    ClientProgram("curl", ("curl/",), "own"),
    ClientProgram("Wget", ("wget/",), "own"),
    # Browsers, and what calls itself one; each after those whose agents contain its name.
    ClientProgram("Googlebot", ("googlebot",), "own", local=False),
    ClientProgram("Bingbot", ("bingbot",), "own", local=False),
    ClientProgram("Edge", ("edg/", "edga/", "edgios/"), "mdn"),
    ClientProgram("Opera", ("opr/",), "mdn"),
    ClientProgram("Firefox", ("firefox/", "fxios/"), "mdn"),
    ClientProgram("Chrome", ("chrome/", "crios/"), "mdn"),
    ClientProgram("Safari", ("safari/",), "mdn"),
    ClientProgram("browser", ("mozilla",), "mdn"),
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
    return name.partition(CLIENT_ON)[0]


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
            return f"{name}{CLIENT_ON}{platform}"
    return name
