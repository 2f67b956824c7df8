"""Where each field and fact comes from: what AWS verified, what it recorded, what the caller chose, what was asked for.

One table, from which `trailbell fields`, `docs/provenance.md`, the editor's hover text and the analysis of mutes and silences are
made. A field that the table does not name is `claimed`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    Path = tuple[str, ...]


class Provenance(StrEnum):
    """Who wrote a value, in one word."""

    WHO = "who"
    HOW = "how"
    CLAIMED = "claimed"
    WHAT = "what"


MEANING: Final[Mapping[Provenance, str]] = {
    Provenance.WHO: "AWS verified whose credentials these are, or to which workload it issued them",
    Provenance.HOW: "AWS recorded how they came or called: true, and shared by many",
    Provenance.CLAIMED: "the caller chose it",
    Provenance.WHAT: "target and request",
}
"""What each word means."""


class Pin(StrEnum):
    """By which test of a field a rule pins its caller."""

    NO = "no"
    TEXT = "equality, a list, or a pattern with three literal characters beyond what AWS gives every value"
    EXACT = "equality or a list"
    ROOT = "only `Root`"
    ROLE_ARN = "equality, a list, or a pattern with three literal characters behind `role/`"
    OWNED_ARN = (
        "equality, a list, or a pattern that is literal to the colon behind the account, and three literal characters more"
    )
    CALLER_ARN = "equality, a list, or a pattern that is literal from `arn:` to the slash behind the role"
    PRINCIPAL = "equality, a list, or a pattern that is literal from the start to the colon"
    PROVIDER = "an ARN in an account, or a pattern with `-provider/` and three literal characters behind it"
    CLASS = "names whose every evidence pins"


class Beside(NamedTuple):
    """A test that must stand beside another one: of a path, for a value."""

    path: Path
    value: str | bool

    def __str__(self) -> str:
        """As an expression."""
        name = ".".join(self.path)
        return name if self.value is True else f"{name} == '{self.value}'"


class FactSource(NamedTuple):
    """Where an outside fact was read."""

    name: str
    url: str = ""


_GUIDE: Final = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"
_IAM: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"

SOURCES: Final[Mapping[str, FactSource]] = {
    "UI": FactSource("CloudTrail, userIdentity element", f"{_GUIDE}/cloudtrail-event-reference-user-identity.html"),
    "RC": FactSource("CloudTrail, record contents", f"{_GUIDE}/cloudtrail-event-reference-record-contents.html"),
    "FAS": FactSource("IAM, forward access sessions", f"{_IAM}/access_forward_access_sessions.html"),
    "MON": FactSource("IAM, monitor actions taken with assumed roles", f"{_IAM}/id_credentials_temp_control-access_monitor.html"),
    "STS": FactSource("STS, AssumeRole", "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"),
    "SSO": FactSource(
        "IAM Identity Center, permission sets in policies",
        "https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html",
    ),
    "REC": FactSource("seen in 28,706 published CloudTrail records"),
    "K": FactSource("general knowledge of AWS, not documented in one place"),
}
"""The sources that the table names, by their short names."""


class Row(NamedTuple):
    """What is known of a field or fact.

    `otherwise` is its provenance where the condition that `pins` and `beside` state is not met; None: always the same.
    """

    provenance: Provenance
    why: str = ""
    pins: Pin = Pin.NO
    beside: Beside | None = None
    otherwise: Provenance | None = None
    sources: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`who`, or `who, else claimed`."""
        return self.provenance if self.otherwise is None else f"{self.provenance}, else {self.otherwise}"

    @property
    def pinning(self) -> str:
        """The tests that pin the caller, in words; `no` where none does."""
        return self.pins if self.beside is None else f"{self.pins}, beside `{self.beside}`"


WHO, HOW, CLAIMED, WHAT = Provenance

TYPE: Final = ("userIdentity", "type")
IAM_USER: Final = Beside(TYPE, "IAMUser")
AWS_SERVICE: Final = Beside(TYPE, "AWSService")
CROSS_ACCOUNT: Final = Beside(("actor", "cross_account"), value=True)

_NOT_LISTED: Final = Row(CLAIMED, "not in the table")

_TYPE_ROW: Final = Row(
    HOW,
    "A kind of identity, not a caller. `AWSService` may act for anyone: CloudFront with origin access control reads for the "
    "internet. `AWSAccount` need not be another account.",
    Pin.ROOT,
    sources=("UI", "REC"),
)
_ACCOUNT_ROW: Final = Row(
    WHO,
    "One's own account is everybody in it; a partner's account is one caller to us. `anonymous` and `CloudFront` stand here too; "
    "an `AWSService` has none.",
    Pin.EXACT,
    CROSS_ACCOUNT,
    sources=("UI", "REC"),
)
_SERVICE_ROW: Final = Row(
    WHO,
    "With an `AWSService` the service itself; on whose behalf, only `inScopeOf.sourceAccount` tells. With a role, a user or root "
    "it is a service that calls with the caller's permissions: a person in Athena is invoked by Athena. `AWS Internal` names "
    "nobody.",
    Pin.TEXT,
    AWS_SERVICE,
    HOW,
    ("UI", "FAS", "REC"),
)
_USER_NAME_ROW: Final = Row(
    WHO,
    "With an `IAMUser` the user. Root: the account's alias; SAML and web identities: the provider's word for its user.",
    Pin.TEXT,
    IAM_USER,
    CLAIMED,
    ("UI",),
)
_ROLE_ROW: Final = Row(
    WHO,
    "The role's name, without path and account: two accounts may have the same. Any person who may assume the role is the role.",
    Pin.TEXT,
    sources=("UI", "SSO"),
)
_ISSUED_TO_ROW: Final = Row(
    WHO,
    "To which workload the credentials were issued, not who holds them. Whoever may start one, or has a shell in it, is it.",
    Pin.TEXT,
    sources=("UI", "REC"),
)
_CLIENT_ROW: Final = Row(CLAIMED, "The client's choice.", sources=("RC",))
_CLASS_ROW: Final = Row(WHO, "What its evidence is; `unknown` has none.", Pin.CLASS, otherwise=CLAIMED, sources=())
_REQUEST_ROW: Final = Row(WHAT, sources=("RC",))
_TARGET_ROW: Final = Row(
    WHAT,
    "An alias or ARN of an access point may stand for the bucket, and denied requests may name no resources.",
    sources=("REC",),
)


def _named(prefix: str, names: str, row: Row) -> dict[Path, Row]:
    """The same row for several fields of one object."""
    above = tuple(filter(None, prefix.split(".")))
    return {(*above, *name.split(".")): row for name in names.split()}


TABLE: Final[Mapping[Path, Row]] = {
    # --- the caller
    TYPE: _TYPE_ROW,
    ("actor", "type"): _TYPE_ROW,
    ("actor", "role"): _ROLE_ROW,
    ("userIdentity", "sessionContext", "sessionIssuer", "userName"): _ROLE_ROW,
    ("userIdentity", "sessionContext", "sessionIssuer", "arn"): Row(
        WHO, "The role with its path and account.", Pin.ROLE_ARN, sources=("UI",)
    ),
    ("userIdentity", "sessionContext", "sessionIssuer", "principalId"): Row(
        WHO, "The role's unique id; a new role of the same name has another one.", Pin.EXACT, sources=("UI",)
    ),
    **_named(
        "userIdentity.sessionContext.sessionIssuer",
        "type accountId",
        Row(HOW, "A kind of issuer, and its account.", sources=("UI",)),
    ),
    ("userIdentity", "arn"): Row(
        WHO,
        "Of a role, AWS wrote it up to the slash behind the role's name; the rest is the session name, which the caller chose. "
        "Of an IAM user, AWS wrote all of it.",
        Pin.CALLER_ARN,
        otherwise=CLAIMED,
        sources=("UI", "STS"),
    ),
    ("userIdentity", "principalId"): Row(
        WHO,
        "Up to the colon the unique id of the role or user, behind it the session name.",
        Pin.PRINCIPAL,
        otherwise=CLAIMED,
        sources=("UI",),
    ),
    ("userIdentity", "accessKeyId"): Row(WHO, "The key that signed; temporary keys live for hours.", Pin.EXACT, sources=("UI",)),
    ("userIdentity", "userName"): _USER_NAME_ROW,
    ("actor", "name"): _USER_NAME_ROW._replace(
        why="The user's name, the session's name or the service: a session that is called like a user has the same `actor.name`.",
        sources=("STS",),
    ),
    ("actor", "session"): Row(
        CLAIMED,
        "Whoever assumes a role names the session. It is fixed only where a trust policy says so, or by Identity Center.",
        sources=("STS",),
    ),
    ("userIdentity", "accountId"): _ACCOUNT_ROW,
    ("actor", "account"): _ACCOUNT_ROW,
    ("actor", "cross_account"): Row(
        HOW,
        "Whether the caller's account is another than the bucket's; null where one of the two is unknown.",
        sources=("RC", "K"),
    ),
    ("userIdentity", "invokedBy"): _SERVICE_ROW,
    ("actor", "service"): _SERVICE_ROW,
    **_named("userIdentity.inScopeOf", "issuerType credentialsIssuedTo", _ISSUED_TO_ROW),
    ("userIdentity", "inScopeOf", "sourceArn"): Row(
        WHO,
        "The resource for which a service or a workload calls. A service calls for resources of any account, and these are named "
        "by their owners.",
        Pin.OWNED_ARN,
        sources=("UI",),
    ),
    ("userIdentity", "inScopeOf", "sourceAccount"): Row(HOW, "For which account a service acts: many callers.", sources=("UI",)),
    ("userIdentity", "sessionContext", "ec2RoleDelivery"): Row(
        WHO,
        "The instance metadata service handed the credentials out, in version 1.0 or 2.0; issued there, perhaps used elsewhere.",
        Pin.TEXT,
        sources=("REC",),
    ),
    ("userIdentity", "sessionContext", "webIdFederationData", "federatedProvider"): Row(
        WHO,
        "A provider of the account. `cognito-identity.amazonaws.com`, `accounts.google.com` and the like are everybody on the "
        "internet; GitHub's provider is every repository that the role's trust policy lets in.",
        Pin.PROVIDER,
        otherwise=HOW,
        sources=("UI",),
    ),
    ("userIdentity", "sessionContext", "webIdFederationData", "attributes"): Row(
        CLAIMED, "The provider's word, and often the user's own.", sources=("UI",)
    ),
    ("userIdentity", "identityProvider"): Row(HOW, "Only in events of STS.", sources=("UI",)),
    ("userIdentity", "onBehalfOf", "userId"): Row(WHO, "The user of IAM Identity Center.", Pin.EXACT, sources=("UI",)),
    ("userIdentity", "onBehalfOf", "identityStoreArn"): Row(HOW, "Every employee.", sources=("UI",)),
    ("userIdentity", "credentialId"): Row(HOW, "One bearer token, which lives for a short time.", sources=("UI",)),
    ("userIdentity", "sessionContext", "sourceIdentity"): Row(
        CLAIMED,
        "Passed by whoever assumes the role; AWS only keeps it unchanged. A trust policy may demand it, which no record shows.",
        sources=("MON", "STS"),
    ),
    ("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"): Row(
        HOW, "`true` is true, of people. `false` means nothing for Identity Center and for chained roles.", sources=("UI",)
    ),
    ("userIdentity", "sessionContext", "attributes", "creationDate"): Row(HOW, "When the session began.", sources=("UI",)),
    ("userIdentity", "sessionContext", "assumedRoot"): Row(HOW, "A root session of a member account.", sources=("UI",)),
    ("actor", "class"): _CLASS_ROW,
    ("actor", "kind"): _CLASS_ROW,
    ("actor", "evidence"): _CLASS_ROW,
    ("actor", "strength"): Row(HOW, "It narrows which evidence is left possible, and pins nobody by itself."),
    # --- how the call came
    ("sessionCredentialFromConsole",): Row(HOW, "Shown only where it is true, as the text `true`.", sources=("RC", "REC")),
    ("additionalEventData", "AuthenticationMethod"): Row(
        HOW, "`QueryString` is a signed link. True, but any signer may choose it.", sources=("REC", "K")
    ),
    ("source", "ip"): Row(
        HOW,
        "A public address cannot be forged over TCP; an office or a NAT is many callers. A private one is claimed: anyone can "
        "call from a VPC of their own and choose its addresses.",
        otherwise=CLAIMED,
        sources=("K",),
    ),
    ("sourceIPAddress",): Row(
        HOW, "As `source.ip`; a list of addresses is a forwarded header, and claimed.", otherwise=CLAIMED, sources=("K", "REC")
    ),
    ("source", "kind"): Row(
        HOW,
        "AWS writes the host of a service, but also for a call that a person's session was forwarded for.",
        sources=("RC", "FAS"),
    ),
    ("source", "private"): Row(CLAIMED, "Anyone can call from a VPC of their own.", sources=("K",)),
    **_named(
        "",
        "vpcEndpointId vpcEndpointAccountId",
        Row(HOW, "Not forgeable, and everyone and everything in that network, AWS services included.", sources=("RC", "REC")),
    ),
    # --- what the client says
    ("userAgent",): _CLIENT_ROW,
    **_named("additionalEventData", "SignatureVersion CipherSuite", _CLIENT_ROW),
    ("tlsDetails",): _CLIENT_ROW,
    ("requestParameters",): Row(CLAIMED, "Headers and parameters are the caller's.", sources=("RC",)),
    # --- what was asked for
    **_named("", "bucket key copy resources", _TARGET_ROW),
    **_named("requestParameters", "bucketName key prefix x-amz-copy-source", _TARGET_ROW),
    **_named("additionalEventData", "bytesTransferredIn bytesTransferredOut x-amz-id-2 SSEApplied", Row(WHAT, sources=("REC",))),
    **_named(
        "",
        "eventName eventSource eventType eventCategory managementEvent readOnly apiVersion awsRegion eventTime eventVersion"
        " access eventID requestID sharedEventID addendum",
        _REQUEST_ROW,
    ),
    **_named(
        "",
        "errorCode errorMessage responseElements serviceEventDetails",
        Row(WHAT, "An error can be provoked at will.", sources=("RC",)),
    ),
    ("recipientAccountId",): Row(WHAT, "Whose trail got the copy; it says nothing of the caller.", sources=("RC",)),
}
"""Fields and facts by their paths; what stands below a path that is not listed itself is as that path."""


def row_of(path: Path) -> Row:
    """The row of a path, or of the nearest one above it; `claimed` where the table names neither."""
    for length in range(len(path), 0, -1):
        row = TABLE.get(path[:length])
        if row is not None:
            return row if length == len(path) else row._replace(pins=Pin.NO, beside=None)
    return _NOT_LISTED
