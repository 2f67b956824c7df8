"""What a matcher may read of an S3 data event: CloudTrail's fields and the facts, with their types and values.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.pipeline.select import OBJECT_CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field: the types that it may have besides null, its values where they are few, and the fields of an object.

    `fields` None: whatever is in it is not known. `loose` are beginnings of names that an object may have besides.
    `always`: every event has it, so that it is never null.
    """

    types: frozenset[str]
    values: frozenset[str] | None = None
    fields: Mapping[str, FieldShape] | None = None
    loose: tuple[str, ...] = ()
    always: bool = False


def _text(*values: str, always: bool = False) -> FieldShape:
    return FieldShape(frozenset({"string"}), frozenset(values) if values else None, always=always)


def _object(fields: Mapping[str, FieldShape] | None = None, *loose: str) -> FieldShape:
    return FieldShape(frozenset({"object"}), None, fields, loose)


TEXT: Final = _text()
FLAG: Final = FieldShape(frozenset({"boolean"}))
FACT_FLAG: Final = FieldShape(frozenset({"boolean"}), always=True)
ANY: Final = FieldShape(frozenset({"string", "number", "boolean", "object", "array"}))
LIST: Final = FieldShape(frozenset({"array"}))

IDENTITY_TYPES: Final = (
    *("Root", "IAMUser", "AssumedRole", "Role", "FederatedUser", "Directory", "AWSAccount", "AWSService", "IdentityCenterUser"),
    *("SAMLUser", "WebIdentityUser", "Unknown"),
)

_IDENTITY: Final = _object(
    {
        "type": _text(*IDENTITY_TYPES),
        **dict.fromkeys(("principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy"), TEXT),
        **dict.fromkeys(("identityProvider", "credentialId"), TEXT),
        "onBehalfOf": _object({"userId": TEXT, "identityStoreArn": TEXT}),
        "inScopeOf": _object(dict.fromkeys(("issuerType", "credentialsIssuedTo", "sourceArn", "sourceAccount"), TEXT)),
        "sessionContext": _object(
            {
                "attributes": _object({"creationDate": TEXT, "mfaAuthenticated": _text("true", "false")}),
                "sessionIssuer": _object(dict.fromkeys(("type", "principalId", "arn", "accountId", "userName"), TEXT)),
                "webIdFederationData": _object({"federatedProvider": TEXT, "attributes": _object()}),
                "sourceIdentity": TEXT,
                "ec2RoleDelivery": TEXT,
                "ec2IssuedInVpc": TEXT,
                "assumedRoot": TEXT,
            }
        ),
    }
)

_PARAMETERS: Final = _object(
    {
        **dict.fromkeys(("bucketName", "key", "Host", "prefix", "delimiter", "marker", "versionId", "uploadId"), TEXT),
        **dict.fromkeys(("key-marker", "version-id-marker", "upload-id-marker", "continuation-token", "start-after"), TEXT),
        **dict.fromkeys(("max-keys", "max-uploads", "max-parts", "list-type", "encoding-type", "fetch-owner", "partNumber"), ANY),
        **dict.fromkeys(("acl", "tagging", "retention", "legal-hold", "versions", "uploads", "delete", "attributes"), ANY),
        **dict.fromkeys(("torrent", "restore", "select", "renameObject", "session", "accelerate", "requestPayment"), ANY),
        "AccessControlPolicy": ANY,
    },
    *("x-", "X-", "response-"),
)

RECORD: Final = _object(
    {
        **dict.fromkeys(("eventVersion", "eventTime", "eventSource", "awsRegion", "eventID"), _text(always=True)),
        "eventName": _text(*OBJECT_CALLS, always=True),
        **dict.fromkeys(("sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestID", "apiVersion"), TEXT),
        **dict.fromkeys(("recipientAccountId", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId"), TEXT),
        "eventType": _text("AwsApiCall", "AwsServiceEvent", "AwsConsoleAction", "AwsConsoleSignIn", "AwsVpceEvent"),
        "eventCategory": _text("Data", "Management", "Insight", "NetworkActivity"),
        "readOnly": FLAG,
        "managementEvent": FLAG,
        "sessionCredentialFromConsole": FieldShape(frozenset({"string", "boolean"}), frozenset({"true", "false"})),
        "userIdentity": _IDENTITY,
        "requestParameters": _PARAMETERS,
        "responseElements": _object(),
        "additionalEventData": _object(
            {
                "AuthenticationMethod": _text("AuthHeader", "QueryString"),
                **dict.fromkeys(("CipherSuite", "SSEApplied", "x-amz-id-2", "SignatureVersion"), TEXT),
                **dict.fromkeys(("bytesTransferredIn", "bytesTransferredOut"), FieldShape(frozenset({"number"}))),
            },
            *("x-", "X-"),
        ),
        "serviceEventDetails": _object(),
        "resources": LIST,
        "addendum": _object(),
        "edgeDeviceDetails": _object(),
        "tlsDetails": _object(dict.fromkeys(("tlsVersion", "cipherSuite", "clientProvidedHostHeader"), TEXT)),
        # the facts
        "bucket": TEXT,
        "key": TEXT,
        "copy": _object({"bucket": TEXT, "key": TEXT}),
        "actor": _object(
            {
                **dict.fromkeys(("name", "role", "session", "account", "service", "evidence", "strength", "class"), TEXT),
                "type": _text(*IDENTITY_TYPES),
                "kind": TEXT,  # its values are a load check (`engine.policy.compared`)
                "cross_account": FLAG,
            }
        ),
        "source": _object({"ip": TEXT, "kind": _text("ipv4", "ipv6", "service", "none", always=True), "private": FLAG}),
        "access": _object({"denied": FACT_FLAG, "kind": _text("read", "write", "delete", "list", "other", always=True)}),
    }
)
"""The document that a matcher sees."""


def _types(shape: FieldShape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    if path and shape != ANY:
        yield path, shape.types if shape.always else shape.types | {"null"}
    for name, inner in (shape.fields or {}).items():
        yield from _types(inner, (*path, name))


FIELD_TYPES: Final[Mapping[tuple[str, ...], frozenset[str]]] = dict(_types(RECORD))
"""The types of each field of an event, by JMESPath's names; fields that may have any type are not in it."""

BUCKETS: Final = frozenset({("bucket",), ("copy", "bucket"), ("requestParameters", "bucketName")})
ACCOUNTS: Final = frozenset(
    {
        ("recipientAccountId",),
        ("actor", "account"),
        ("userIdentity", "accountId"),
        ("userIdentity", "sessionContext", "sessionIssuer", "accountId"),
    }
)


def shape_of(path: tuple[str, ...]) -> FieldShape | None:
    """The shape of a path, None where there is no such field; of what is inside something unknown, `ANY`."""
    shape = RECORD
    for name in path:
        if shape.fields is None:
            return ANY if "object" in shape.types else None
        inner = shape.fields.get(name)
        if inner is None:
            return ANY if name.startswith(shape.loose or ("\0",)) else None
        shape = inner
    return shape
