"""What a matcher may read of an S3 data event: CloudTrail's fields and the facts, with their types and values.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.lint import forms
from engine.pipeline.select import OBJECT_CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.lint.forms import Form


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field: the types that it may have besides null, its values where they are few, and the fields of an object.

    `values` are its texts, where they are few. `fields` None: whatever is in an object is not known. `loose` are beginnings of
    names that an object may have besides. `always`: every event has it, so that it is never null. `elements` is the shape of what
    a list holds, None where that is not known. `form` says what its texts look like. `constant`: it is the same for every event.
    """

    types: frozenset[str]
    values: frozenset[str] | None = None
    fields: Mapping[str, FieldShape] | None = None
    loose: tuple[str, ...] = ()
    always: bool = False
    elements: FieldShape | None = None
    form: Form | None = None
    constant: bool = False


def _text(*values: str, always: bool = False, form: Form | None = None) -> FieldShape:
    return FieldShape(frozenset({"string"}), frozenset(values) if values else None, always=always, form=form)


def _object(fields: Mapping[str, FieldShape] | None = None, *loose: str, always: bool = False) -> FieldShape:
    return FieldShape(frozenset({"object"}), None, fields, loose, always)


TEXT: Final = _text()
FLAG: Final = FieldShape(frozenset({"boolean"}))
FACT_FLAG: Final = FieldShape(frozenset({"boolean"}), always=True)
ANY: Final = FieldShape(frozenset({"string", "number", "boolean", "object", "array"}))
_WRITTEN_FLAG: Final = _text("true", "false")
_ROLE: Final = _text(form=forms.ROLE)
_BUCKET: Final = _text(form=forms.BUCKET)
_ACCOUNT: Final = _text(form=forms.ACCOUNT)
_ARN: Final = _text(form=forms.ARN)

IDENTITY_TYPES: Final = (
    *("Root", "IAMUser", "AssumedRole", "Role", "FederatedUser", "Directory", "AWSAccount", "AWSService", "IdentityCenterUser"),
    *("SAMLUser", "WebIdentityUser", "Unknown"),
)

_LOCK_CALLS: Final = ("PutObjectLockLegalHold", "PutObjectLockRetention")
"""How older records call `PutObjectLegalHold` and `PutObjectRetention`."""

_IDENTITY: Final = _object(
    {
        "type": _text(*IDENTITY_TYPES),
        **dict.fromkeys(("principalId", "accessKeyId", "userName", "invokedBy"), TEXT),
        "arn": _text(form=forms.CALLER_ARN),
        "accountId": _ACCOUNT,
        **dict.fromkeys(("identityProvider", "credentialId"), TEXT),
        "onBehalfOf": _object({"userId": TEXT, "identityStoreArn": TEXT}),
        "inScopeOf": _object(dict.fromkeys(("issuerType", "credentialsIssuedTo", "sourceArn", "sourceAccount"), TEXT)),
        "sessionContext": _object(
            {
                "attributes": _object({"creationDate": TEXT, "mfaAuthenticated": _WRITTEN_FLAG}),
                "sessionIssuer": _object(
                    {"type": TEXT, "principalId": TEXT, "userName": _ROLE, "arn": _ARN, "accountId": _ACCOUNT}
                ),
                "webIdFederationData": _object({"federatedProvider": TEXT, "attributes": _object()}),
                "sourceIdentity": TEXT,
                "ec2RoleDelivery": TEXT,
                "ec2IssuedInVpc": TEXT,
                "assumedRoot": _WRITTEN_FLAG,
            }
        ),
    }
)

_PARAMETERS: Final = _object(
    {
        "bucketName": _BUCKET,
        **dict.fromkeys(("key", "Host", "prefix", "delimiter", "marker", "versionId", "uploadId"), TEXT),
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
        **dict.fromkeys(("eventVersion", "eventTime", "eventID"), _text(always=True)),
        "eventSource": _text(always=True, form=forms.SOURCE),
        "awsRegion": _text(always=True, form=forms.REGION),
        "eventName": _text(*OBJECT_CALLS, *_LOCK_CALLS, always=True),
        "sourceIPAddress": _text(form=forms.SENDER),
        **dict.fromkeys(("userAgent", "errorMessage", "requestID", "apiVersion"), TEXT),
        "errorCode": _text(form=forms.CODE),
        **dict.fromkeys(("recipientAccountId", "vpcEndpointAccountId"), _ACCOUNT),
        **dict.fromkeys(("sharedEventID", "vpcEndpointId"), TEXT),
        "eventType": _text("AwsApiCall", "AwsServiceEvent", "AwsConsoleAction", "AwsConsoleSignIn", "AwsVpceEvent"),
        "eventCategory": _text("Data", "Management", "Insight", "NetworkActivity"),
        "readOnly": FLAG,
        "managementEvent": FLAG,
        # Mostly the text; records that others exported have the boolean, and so would `decide` see it.
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
        "resources": FieldShape(
            frozenset({"array"}),
            elements=_object({"ARN": _ARN, "ARNPrefix": _ARN, "accountId": _ACCOUNT, "type": TEXT}),
        ),
        "addendum": _object(),
        "edgeDeviceDetails": _object(),
        "tlsDetails": _object(dict.fromkeys(("tlsVersion", "cipherSuite", "clientProvidedHostHeader"), TEXT)),
        # the facts
        "bucket": _BUCKET,
        "key": TEXT,
        "copy": _object({"bucket": _BUCKET, "key": TEXT}, always=True),
        "actor": _object(
            {
                **dict.fromkeys(("name", "session", "service"), TEXT),
                **dict.fromkeys(("class", "kind", "evidence", "strength"), TEXT),  # values: a load check (`policy.compared`)
                "role": _ROLE,
                "account": _ACCOUNT,
                "type": _text(*IDENTITY_TYPES),
                "cross_account": FLAG,
            },
            always=True,
        ),
        "source": _object(
            {
                "ip": _text(form=forms.ADDRESS),
                "kind": _text("ipv4", "ipv6", "service", "none", always=True),
                "private": FLAG,
            },
            always=True,
        ),
        "access": _object(
            {"denied": FACT_FLAG, "kind": _text("read", "write", "delete", "list", "other", always=True)}, always=True
        ),
    },
    always=True,
)
"""The document that a matcher sees of an S3 data event."""

LOGGED_AS: Final[Mapping[str, str]] = {
    "CopyPart": "UploadPartCopy",
    "DeleteObjectVersion": "DeleteObject",
    "DeleteObjectVersionTagging": "DeleteObjectTagging",
    "GetObjectVersion": "GetObject",
    "GetObjectVersionAcl": "GetObjectAcl",
    "GetObjectVersionTagging": "GetObjectTagging",
    "InitiateMultipartUpload": "CreateMultipartUpload",
    "ListBucket": "ListObjects",
    "ListBucketMultipartUploads": "ListMultipartUploads",
    "ListBucketVersions": "ListObjectVersions",
    "ListMultipartUploadParts": "ListParts",
    "ListObjectsV2": "ListObjects",
    "PutObjectVersionAcl": "PutObjectAcl",
    "PutObjectVersionTagging": "PutObjectTagging",
}
"""Calls and permissions that CloudTrail logs under another name.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""


class EventShape(NamedTuple):
    """What a matcher sees: its shape, and that of each path whose fields are known."""

    shape: FieldShape
    paths: Mapping[tuple[str, ...], FieldShape]


def _event_shape(record: FieldShape) -> EventShape:
    return EventShape(record, dict(_paths(record, (), always=True)))


def _paths(shape: FieldShape, path: tuple[str, ...], *, always: bool) -> Iterator[tuple[tuple[str, ...], FieldShape]]:
    if path:
        yield path, shape if always else replace(shape, always=False)
    for name, inner in (shape.fields or {}).items():
        yield from _paths(inner, (*path, name), always=always and inner.always)


S3_EVENT: Final = _event_shape(RECORD)
"""An S3 data event."""

ANY_EVENT: Final = _event_shape(
    replace(RECORD, fields={**(RECORD.fields or {}), **dict.fromkeys(("eventName", "eventSource"), _text(always=True))})
)
"""Any CloudTrail event."""

FIELD_TYPES: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    path: shape.types if shape.always else shape.types | {"null"}
    for path, shape in S3_EVENT.paths.items()
    if shape.types != ANY.types
}
"""The types of each field of an event, by JMESPath's names; fields that may have any type are not in it."""
