# ruff: noqa: E501, RUF001  a mistake is one row; curly quotes are one
"""Single mistakes in a company's set: each found where it was made, with words that lead to what was meant.

What is not found, or elsewhere, is listed in `docs/lint/README.md`; `-s` prints the share.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from company import BUCKETS, MAIN, company, teams

from engine.lint import lint
from engine.policy.bases import with_base
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Finding

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LEAST_SHARE = 0.9
LEAST_COUNT = 100


class Mistake(NamedTuple):
    """One edit of a company's set: in which file, what becomes of what, and what is said there of it.

    `said` is None where nothing is, and the page lists it under its `name`.
    """

    name: str
    file: str
    written: str
    mistaken: str
    said: str | None
    at: str = ""
    """A text on the line where it is told, where that is not the line of the edit."""


MISTAKES = [
    Mistake(
        "catch-all first",
        "payments",
        "routes:\n  - id: denied",
        "routes:\n  - {id: all, notify: [payments-alerts]}\n  - id: denied",
        "put it before that route, or delete it [TB402]",
    ),
    Mistake(
        "mute role glob *",
        "payments",
        "when: actor.role == 'payments-nightly' &&",
        "when: glob(actor.role, '*') &&",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "mute persons with role",
        "web",
        "  - id: changes",
        "  - id: p\n    when: actor.kind == 'person' && actor.role != `null`\n    mute: x, OPS-1\n  - id: changes",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "overlap",
        "platform",
        '"shared-*"]',
        '"shared-*", "payments-prod*"]',
        'exclude them in one of the two ("!payments-prod*"), if only one is to decide [TB427]',
    ),
    Mistake(
        "forgot buckets",
        "web",
        'buckets: [web-assets, "web-up*", web-previews, web-backups, web-logs, web-fonts]\n',
        "",
        'add the team\'s buckets: buckets: ["payments-*"] [TB428]',
        "- id: changes",
    ),
    Mistake(
        "evidence typo",
        "mobile",
        "actor.kind == 'person' && !regex",
        "actor.evidence == 'identity-center-rol' && !regex",
        "did you mean identity-center-role? [TB301]",
    ),
    Mistake("digest by event_id", "ledger", "by: [name, bucket]", "by: [event_id]", "delete it from digest.by [TB414]"),
    Mistake("class typo", "payments", "actor.class == 'human'", "actor.class == 'humann'", "did you mean human? [TB301]"),
    Mistake(
        "role arn",
        "payments",
        "actor.role == 'payments-nightly'",
        "actor.role == 'arn:aws:iam::111122223333:role/payments-nightly'",
        "write 'payments-nightly' [TB206]",
    ),
    Mistake(
        "role path",
        "payments",
        "actor.role == 'payments-nightly'",
        "actor.role == '/jobs/payments-nightly'",
        "write 'payments-nightly' [TB206]",
    ),
    Mistake(
        "role slash",
        "payments",
        "actor.role == 'payments-nightly'",
        "actor.role == 'role/payments-nightly'",
        "write 'payments-nightly' [TB206]",
    ),
    Mistake(
        "or no parens",
        "analytics",
        "actor.role == 'analytics-nightly' && access.kind == 'write'",
        "actor.role == 'analytics-nightly' && access.kind == 'write' || access.kind == 'delete'",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "or no parens 2",
        "mobile",
        "(access.kind == 'write' || access.kind == 'read')",
        "access.kind == 'write' || access.kind == 'read'",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "list as or",
        "security",
        "    when: actor.type == 'Root' || actor.role == 'break-glass'",
        "    when:\n      - actor.type == 'Root'\n      - actor.role == 'break-glass'",
        None,
    ),
    Mistake(
        "list as or2",
        "analytics",
        "    when: actor.role == 'analytics-nightly' && access.kind == 'write'",
        "    when:\n      - actor.role == 'analytics-nightly'\n      - actor.role == 'analytics-load'",
        "join them with || instead of && [TB208]",
    ),
    Mistake(
        "fallback circle", "payments", "    fallback: s3-watch", "    fallback: payments-alerts", "name another channel [TB301]"
    ),
    Mistake(
        "fallback circle2",
        "main",
        "    fallback: pager\n    fallback_after: 5m\n  - name: pager",
        "    fallback: payments-alerts\n    fallback_after: 5m\n  - name: pager",
        "let one of them fall back to pager, which is no Slack channel [TB429]",
    ),
    Mistake(
        "silence other channel",
        "payments",
        "    channels: [payments-alerts]\n",
        "    channels: [web-alerts]\n",
        "write it in a file that does, or name one of: payments-alerts, security [TB419]",
    ),
    Mistake(
        "condition out of scope",
        "payments",
        "actor.role == 'payments-nightly' &&",
        "actor.role == 'payments-nightly' && bucket == 'ledger' && copy.bucket == `null` &&",
        "correct the name, or write this in the file of that bucket [TB418]",
    ),
    Mistake(
        "condition out of scope notify",
        "analytics",
        "bucket == 'analytics-raw'",
        "bucket == 'analytic-raw'",
        "correct the name, or write this in the file of that bucket [TB418]",
    ),
    Mistake(
        "condition out of scope glob",
        "web",
        "glob(bucket, 'web-uploads*')",
        "glob(bucket, 'web-ulpoads*')",
        "correct the name, or write this in the file of that bucket [TB418]",
    ),
    Mistake(
        "scopeless mute",
        "security",
        "  - id: made-public",
        "  - id: deploy\n    when: actor.role == 'deploy'\n    mute: deployments, OPS-1\n  - id: made-public",
        None,
    ),
    Mistake(
        "scopeless mute last",
        "security",
        '    title: "{name} made {key} public"\n',
        "    title: \"{name} made {key} public\"\n  - id: deploy\n    when: actor.role == 'deploy'\n    mute: deployments, OPS-1\n",
        "add buckets, or write it in the file whose messages are meant [TB426]",
    ),
    Mistake(
        "scope ?*",
        "web",
        'buckets: [web-assets, "web-up*"',
        'buckets: ["?*", "web-up*"',
        "name the buckets by three letters at least, or leave `buckets` out if all are meant [TB420]",
    ),
    Mistake(
        "scope * !x",
        "mobile",
        'buckets: ["mobile-*"]',
        'buckets: ["*", "!payments-prod"]',
        "name the buckets by three letters at least, or leave `buckets` out if all are meant [TB420]",
    ),
    Mistake(
        "timezone JST",
        "payments",
        "timezone: Asia/Tokyo\n    incident",
        "timezone: JST\n    incident",
        "write an IANA name such as Asia/Tokyo or UTC [TB311]",
    ),
    Mistake(
        "timezone offset",
        "payments",
        "timezone: Asia/Tokyo\n    incident",
        'timezone: "+09:00"\n    incident',
        "write an IANA name such as Asia/Tokyo or UTC [TB311]",
    ),
    Mistake(
        "timezone etc",
        "payments",
        'hours: "20:00-07:00", timezone: Asia/Tokyo',
        'hours: "20:00-07:00", timezone: Etc/GMT+9',
        "write the place: Asia/Tokyo, America/New_York [TB430]",
    ),
    Mistake(
        "timezone EST",
        "payments",
        'hours: "20:00-07:00", timezone: Asia/Tokyo',
        'hours: "20:00-07:00", timezone: EST',
        "write the place: Asia/Tokyo, America/New_York [TB430]",
    ),
    Mistake(
        "hidden by several",
        "mobile",
        "  - id: rest\n    notify: [mobile-alerts]",
        "  - id: reads\n    when: access.kind == 'read' || access.kind == 'list' || access.kind == 'other'\n    notify: [mobile-alerts]\n  - id: writes\n    when: access.kind == 'write'\n    notify: [mobile-alerts]\n  - id: deletes\n    when: access.kind == 'delete'\n    notify: [mobile-alerts]\n  - id: rest\n    notify: [mobile-alerts]",
        None,
    ),
    Mistake(
        "hidden by two",
        "platform",
        "  - id: rest\n",
        "  - id: denied\n    when: access.denied\n    notify: [security]\n  - id: fine\n    when: access.denied != `true`\n    notify: [security]\n  - id: rest\n",
        "put it before them, or delete it [TB402]",
    ),
    Mistake(
        "region",
        "analytics",
        "awsRegion != 'ap-northeast-1'",
        "awsRegion != 'ap-northeast-9'",
        "did you mean ap-northeast-3? [TB206]",
    ),
    Mistake(
        "region2", "analytics", "awsRegion != 'ap-northeast-1'", "awsRegion != 'tokyo'", "regions look like eu-west-1 [TB206]"
    ),
    Mistake(
        "event passed over",
        "security",
        "eventName == 'PutObjectAcl'",
        "eventName == 'HeadObject'",
        "add it to events.names, or leave this out [TB216]",
    ),
    Mistake(
        "event other name",
        "security",
        "eventName == 'PutObjectAcl'",
        "eventName == 'ListObjectsV2'",
        "write 'ListObjects' [TB206]",
    ),
    Mistake(
        "event s3:", "security", "eventName == 'PutObjectAcl'", "eventName == 's3:PutObjectAcl'", "write 'PutObjectAcl' [TB206]"
    ),
    Mistake(
        "event typo",
        "security",
        "eventName == 'PutObjectAcl'",
        "eventName == 'PutObjectACL'",
        "did you mean PutObjectAcl? [TB206]",
    ),
    Mistake(
        "event mgmt",
        "security",
        "eventName == 'PutObjectAcl'",
        "eventName == 'PutBucketPolicy'",
        "there is: AbortMultipartUpload, CompleteMultipartUpload, CopyObject, CreateMultipartUpload, CreateSession, DeleteObject, DeleteObjectTagging, DeleteObjects, GetObject, GetObjectAcl, GetObjectAttributes, GetObjectLegalHold, GetObjectRetention, GetObjectTagging, GetObjectTorrent, HeadBucket, HeadObject, ListMultipartUploads, ListObjectVersions, ListObjects, ListObjectsV2, ListParts, PostObject, PutObject, PutObjectAcl, PutObjectLegalHold, PutObjectLockLegalHold, PutObjectLockRetention, PutObjectRetention, PutObjectTagging [TB206]",
    ),
    Mistake(
        "pattern lines",
        "mobile",
        "'(?i)^\\[?(aws-cli|boto3|s3console)'",
        "'(?i)^\\[?(aws-cli|\n      boto3|s3console)'",
        "write it on one line, or make two tests of it, joined by || [TB217]",
    ),
    Mistake(
        "text lines",
        "payments",
        "glob(key, 'exports/*')",
        "glob(key, 'exports/\n        *')",
        "write it on one line, or make two tests of it, joined by || [TB217]",
    ),
    Mistake(
        "glob shell",
        "payments",
        "glob(key, 'exports/*')",
        "glob(key, '{exports,reports}/*')",
        "write regex(key, '…'); in a glob only * and ? mean something [TB214]",
    ),
    Mistake(
        "glob regex",
        "payments",
        "glob(key, 'exports/*')",
        "glob(key, '^exports/.*')",
        "write regex(key, '…'); in a glob only * and ? mean something [TB214]",
    ),
    Mistake(
        "regex as glob",
        "platform",
        "regex(actor.role, '^platform-(migrator|mover)$')",
        "regex(actor.role, 'platform-*')",
        "write .* for any text, or glob(actor.role, '…') [TB214]",
    ),
    Mistake(
        "all persons mute",
        "payments",
        "when: actor.role == 'payments-nightly' &&",
        "when: actor.kind == 'person' &&",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "silence all",
        "platform",
        "regex(actor.role, '^platform-(migrator|mover)$') && source.private",
        "actor.kind == 'person'",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "bang unquoted",
        "analytics",
        "when: actor.class != 'aws-service'",
        "when: !access.denied",
        'quote the expression: "!(access.denied)" [TB104]',
    ),
    Mistake(
        "bang regex",
        "analytics",
        "when: actor.class != 'aws-service'",
        "when: !regex(userAgent, 'x')",
        "quote the expression, the ! included [TB104]",
    ),
    Mistake(
        "and word",
        "payments",
        "actor.role == 'payments-nightly' && access.kind",
        "actor.role == 'payments-nightly' and access.kind",
        "write && instead of and [TB201]",
    ),
    Mistake("or word", "security", "actor.type == 'Root' || ", "actor.type == 'Root' or ", "write || instead of or [TB201]"),
    Mistake(
        "in word",
        "mobile",
        "contains(['mobile-ci', 'mobile-release'], actor.role)",
        "actor.role in ['mobile-ci', 'mobile-release']",
        "one of several values is written contains(['a', 'b'], actor.role) [TB201]",
    ),
    Mistake(
        "not word", "mobile", "!regex(userAgent", "not regex(userAgent", "write ! instead of not, and parentheses: !(…) [TB201]"
    ),
    Mistake("bare number", "ledger", "`1000000`", "1000000", "a number has backticks: `1000000` [TB201]"),
    Mistake(
        "dashed name",
        "security",
        'requestParameters."x-amz-acl"',
        "requestParameters.x-amz-acl",
        'a name with a dash has double quotes: "x-amz-acl" [TB201]',
    ),
    Mistake(
        "curly quotes",
        "payments",
        "actor.class == 'human'",
        "actor.class == ‘human’",
        "write straight single quotes: 'text' [TB201]",
    ),
    Mistake(
        "mute true", "web", "mute: the website is public", "mute: true", "write the reason: mute: a nightly job, OPS-1 [TB113]"
    ),
    Mistake("arn scope", "mobile", '"mobile-*"', '"arn:aws:s3:::mobile-*"', "write the name of the bucket: mobile-* [TB114]"),
    Mistake("key scope", "mobile", '"mobile-*"', '"mobile-builds/*"', "write the name of the bucket: mobile-builds [TB114]"),
    Mistake("title actor.name", "payments", '"{name} read {key}"', '"{actor.name} read {key}"', "write {name} [TB301]"),
    Mistake(
        "title $", "payments", '"{name} read {key}"', '"${name} read {key}"', "write the field alone, as in {bucket} [TB433]"
    ),
    Mistake(
        "title {{",
        "payments",
        '"{name} read {key}"',
        '"{{name}} read {key}"',
        "a field stands between { and }, as in {bucket} [TB114]",
    ),
    Mistake(
        "title ping",
        "payments",
        '"{name} read {key}"',
        '"<!here> {name} read {key}"',
        "say whom to mention at the channel: mention: {critical: [here]} [TB433]",
    ),
    Mistake(
        "title ping2",
        "payments",
        '"{name} read {key}"',
        '"@channel {name} read {key}"',
        "say whom to mention at the channel: mention: {critical: [here]} [TB433]",
    ),
    Mistake(
        "title brace",
        "payments",
        '"{name} read {key}"',
        '"{name read {key}"',
        "a field stands between { and }, as in {bucket} [TB114]",
    ),
    Mistake(
        "== list",
        "mobile",
        "contains(['mobile-ci', 'mobile-release'], actor.role)",
        "actor.role == ['mobile-ci', 'mobile-release']",
        "one of several values is written contains(['mobile-ci', 'mobile-release'], actor.role) [TB205]",
    ),
    Mistake(
        "contains swapped",
        "mobile",
        "contains(['mobile-ci', 'mobile-release'], actor.role)",
        "contains(actor.role, ['mobile-ci', 'mobile-release'])",
        "write contains(['mobile-ci', 'mobile-release'], actor.role) [TB213]",
    ),
    Mistake(
        "cidr eq",
        "main",
        "cidr(source.ip, '203.0.113.0/24')",
        "source.ip == '203.0.113.0/24'",
        "write cidr(source.ip, '203.0.113.0/24') [TB206]",
    ),
    Mistake(
        "cidr eq2",
        "main",
        "cidr(source.ip, '203.0.113.0/24')",
        "sourceIPAddress == '203.0.113.0/24'",
        "write cidr(sourceIPAddress, '203.0.113.0/24') [TB206]",
    ),
    Mistake("cidr bits", "main", "'203.0.113.0/24'", "'203.0.113.7/24'", " [TB201]"),
    Mistake("cidr octet", "main", "'203.0.113.0/24'", "'203.0.313.0/24'", " [TB201]"),
    Mistake("cidr glob", "main", "'203.0.113.0/24'", "'203.0.113.*'", " [TB201]"),
    Mistake(
        "star eq",
        "mobile",
        "actor.kind == 'person' && !",
        "actor.role == 'mobile-*' && !",
        "write glob(actor.role, 'mobile-*') [TB209]",
    ),
    Mistake(
        "or bare string",
        "security",
        "eventName == 'PutObjectAcl'",
        "eventName == 'PutObjectAcl' || 'DeleteObjectAcl'",
        "write eventName == 'DeleteObjectAcl' [TB207]",
    ),
    Mistake("bool eq text", "platform", "&& source.private", "&& source.private == 'true'", "write `true` [TB205]"),
    Mistake("false bare", "platform", "&& source.private", "&& source.private == true", "write `true` [TB203]"),
    Mistake("private number", "ledger", "`1000000`", "'1000000'", "write `1000000` [TB205]"),
    Mistake(
        "size field",
        "ledger",
        "additionalEventData.bytesTransferredOut",
        "bytesTransferredOut",
        "a string is written 'bytesTransferredOut' [TB202]",
    ),
    Mistake("size typo", "ledger", "bytesTransferredOut", "bytesTransferedOut", "did you mean bytesTransferredOut? [TB202]"),
    Mistake(
        "userIdentity user",
        "security",
        "actor.role == 'break-glass'",
        "userIdentity.username == 'break-glass'",
        "did you mean userName? [TB202]",
    ),
    Mistake(
        "ev name case",
        "security",
        "eventName == 'PutObjectAcl'",
        "EventName == 'PutObjectAcl'",
        "did you mean eventName? [TB202]",
    ),
    Mistake(
        "double quotes",
        "analytics",
        "bucket == 'analytics-raw'",
        'bucket == "analytics-raw"',
        "a string is written 'analytics-raw' [TB204]",
    ),
    Mistake("single =", "analytics", "bucket == 'analytics-raw'", "bucket = 'analytics-raw'", "write == [TB201]"),
    Mistake("single &", "payments", "'payments-nightly' && access", "'payments-nightly' & access", "write && [TB201]"),
    Mistake(
        "bucket arn",
        "analytics",
        "bucket == 'analytics-raw'",
        "bucket == 'arn:aws:s3:::analytics-raw'",
        "write 'analytics-raw' [TB206]",
    ),
    Mistake(
        "bucket key", "analytics", "bucket == 'analytics-raw'", "bucket == 'analytics-raw/2026'", "write 'analytics-raw' [TB206]"
    ),
    Mistake("account short", "analytics", "'444455556666'", "'44445555666'", "write its twelve digits [TB206]"),
    Mistake("account dashes", "analytics", "'444455556666'", "'4444-5555-6666'", "write '444455556666' [TB206]"),
    Mistake("account number", "analytics", "'444455556666'", "`444455556666`", "write '444455556666' [TB205]"),
    Mistake(
        "accounts unquoted", "mobile", "accounts: [dev, prod]", "accounts: [111122223333]", 'quote it: "111122223333" [TB113]'
    ),
    Mistake("accounts alias", "mobile", "accounts: [dev, prod]", "accounts: [devel, prod]", "did you mean dev? [TB301]"),
    Mistake(
        "actor.account own",
        "analytics",
        "actor.account == '444455556666' && actor.cross_account",
        "actor.account == '444455556666'",
        "also test who calls: actor.cross_account; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake("kind typo", "ledger", "actor.kind != 'service'", "actor.kind != 'services'", "did you mean service? [TB301]"),
    Mistake(
        "kind human",
        "ledger",
        "actor.kind != 'service'",
        "actor.kind == 'human'",
        "there is: person, robot, service, unknown [TB301]",
    ),
    Mistake(
        "class person",
        "payments",
        "actor.class == 'human'",
        "actor.class == 'person'",
        "there is: anonymous, app-user, attack-tool, aws-service, build-robot, command-line, credential-misuse, cross-account, ec2-robot, ecs-robot, eks-robot, human, job-robot, lambda-robot, presigned-link, unknown [TB301]",
    ),
    Mistake(
        "access.kind get",
        "payments",
        "access.kind == 'write'",
        "access.kind == 'put'",
        "there is: delete, list, other, read, write [TB206]",
    ),
    Mistake("type role", "security", "actor.type == 'Root'", "actor.type == 'root'", "did you mean Root? [TB206]"),
    Mistake(
        "type assumed",
        "security",
        "actor.type == 'Root'",
        "actor.type == 'AssumedRole' && actor.type == 'Root'",
        "join them with || instead of && [TB208]",
    ),
    Mistake("until past", "platform", "2026-12-10T", "2026-01-10T", "delete it [TB406]"),
    Mistake("until no zone", "platform", "2026-12-10T00:00:00Z", "2026-12-10T00:00:00", "write 2026-12-10T00:00:00Z [TB311]"),
    Mistake("until date", "platform", "2026-12-10T00:00:00Z", "2026-12-10", "write 2026-12-10T00:00:00Z [TB311]"),
    Mistake("until year", "platform", "2026-12-10T", "2062-12-10T", "give it an earlier end, or make a mute of it [TB407]"),
    Mistake("from after until", "payments", "from: 2026-11-01", "from: 2026-12-21", "write a from that is before until [TB311]"),
    Mistake("hours same", "payments", '"20:00-07:00"', '"20:00-20:00"', "leave hours out for the whole day [TB310]"),
    Mistake("hours 24", "payments", '"20:00-07:00"', '"20:00-25:00"', "such as 20:00-07:00 [TB114]"),
    Mistake("hours am", "payments", '"20:00-07:00"', '"8pm-7am"', "such as 20:00-07:00 [TB114]"),
    Mistake("days", "payments", "[mon-fri]", "[monday-friday]", "such as mon, or mon-fri [TB114]"),
    Mistake("except list name", "payments", "[holidays]", "[holiday]", "did you mean holidays? [TB301]"),
    Mistake("in_list typo", "payments", "'nightly-jobs')", "'nightly-job')", "did you mean nightly-jobs? [TB301]"),
    Mistake("holds typo", "payments", "holds('office')", "holds('ofice')", "did you mean office? [TB301]"),
    Mistake("channel typo", "web", "notify: [web-alerts]", "notify: [web-alert]", "did you mean web-alerts? [TB301]"),
    Mistake(
        "channel hash",
        "web",
        "notify: [web-alerts]",
        'notify: ["#web-alerts"]',
        "such as payments-prod: lower case, digits and single dashes [TB114]",
    ),
    Mistake("level typo", "mobile", "masking: strict", "masking: stric", "did you mean strict? [TB301]"),
    Mistake("severity high", "ledger", "severity: critical", "severity: high", "there is: info, warning, critical [TB114]"),
    Mistake("route dup", "web", "- id: uploads", "- id: visitors", "rename one; the other is at policies/web.yaml:12:9 [TB302]"),
    Mistake(
        "mute+notify",
        "web",
        "    mute: uploads of the site, WEB-12\n",
        "    mute: uploads of the site, WEB-12\n    notify: [web-alerts]\n",
        "make two routes of it [TB304]",
    ),
    Mistake(
        "webhook url",
        "mobile",
        "{env: SLACK_WEBHOOK_MOBILE}",
        "https://hooks.slack.com/services" + "/T0000/B000/xxxxxxxxxxxxxxxxxxxxxxxx",
        "keep the URL in an environment variable or a secret, and name that: {env: SLACK_WEBHOOK_URL} [TB113]",
    ),
    Mistake("webhook var", "mobile", "SLACK_WEBHOOK_MOBILE", "MOBILE_WEBHOOK", "such as SLACK_WEBHOOK_URL [TB114]"),
    Mistake(
        "session claim",
        "mobile",
        "contains(['mobile-ci', 'mobile-release'], actor.role)",
        "contains(['mobile-ci', 'mobile-release'], actor.session)",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "ua claim",
        "web",
        "actor.role == 'web-uploader'",
        "regex(userAgent, 'uploader')",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "everyone lost",
        "web",
        "    everyone: true\n",
        "",
        "if everyone is meant, say everyone: true [TB405]",
        "when: bucket == 'web-assets'",
    ),
    Mistake(
        "projection",
        "platform",
        "userIdentity.inScopeOf.sourceAccount == '111122223333'",
        "resources[].accountId == '111122223333'",
        "a list has no single value; write contains(resources[].accountId, '111122223333') [TB205]",
    ),
    Mistake(
        "index",
        "platform",
        "userIdentity.inScopeOf.sourceAccount == '111122223333'",
        "resources.accountId == '111122223333'",
        "write resources[].accountId [TB202]",
    ),
    Mistake(
        "masking field",
        "main",
        "source_ip: network, class",
        "source_ip: hide, class",
        "there is: keep, mask, network, hash, drop [TB114]",
    ),
    Mistake(
        "masking user",
        "main",
        "name: keep, role",
        "user: keep, role",
        "there is: time, event, bucket, key, copy_source, size, region, source_ip, user_agent, client, class, evidence, actor_type, name, role, session, arn, principal, account, access_key, mfa, error_code, error_message, event_id, request_id [TB111]",
    ),
    Mistake("incident window", "mobile", "window: 30m", "window: 30", 'quote it: "30" [TB113]'),
    Mistake(
        "incident by",
        "mobile",
        "by: [actor, access]",
        "by: [user, access]",
        "there is: actor, access, time, event, bucket, key, copy_source, size, region, source_ip, user_agent, client, class, evidence, actor_type, name, role, session, arn, principal, account, access_key, mfa, error_code, error_message, event_id, request_id [TB114]",
    ),
    Mistake(
        "two sections",
        "mobile",
        "accounts: [dev, prod]\n",
        "accounts: [dev, prod]\ndefault: {notify: [mobile-alerts], masking: standard}\n",
        "keep one; the other is at policies/main.yaml:35:1 [TB302]",
    ),
    Mistake(
        "continue mute",
        "web",
        "    mute: uploads of the site, WEB-12\n",
        "    mute: uploads of the site, WEB-12\n    continue: true\n",
        "delete continue [TB304]",
    ),
    Mistake(
        "continue last",
        "web",
        '    title: "{event} on {bucket}"\n',
        '    title: "{event} on {bucket}"\n    continue: true\n',
        "delete continue [TB403]",
    ),
    Mistake(
        "indent",
        "ledger",
        "  - id: large\n    when:",
        "  - id: large\n   when:",
        "look for a missing quote, bracket or indent before it [TB101]",
    ),
    Mistake(
        "comma braces", "payments", "days: [mon-fri], hours", "days: [mon-fri] hours", "write a comma between the two [TB101]"
    ),
    Mistake(
        "never holds and",
        "ledger",
        "access.kind == 'delete' && ",
        "access.kind == 'delete' && access.kind == 'write' && ",
        "join them with || instead of && [TB208]",
    ),
    Mistake(
        "always holds or",
        "analytics",
        "awsRegion != 'ap-northeast-1' && awsRegion",
        "awsRegion != 'ap-northeast-1' || awsRegion",
        "join them with && instead of || [TB208]",
    ),
    Mistake(
        "lower", "web", "actor.role == 'web-uploader'", "lower(actor.role) == 'Web-Uploader'", "write 'web-uploader' [TB206]"
    ),
    Mistake("leading slash", "web", "'incoming/'", "'/incoming/'", None),
    Mistake("glob key slash", "payments", "'exports/*'", "'/exports/*'", None),
    Mistake("glob no star", "payments", "glob(key, 'exports/*')", "glob(key, 'exports')", None),
    Mistake(
        "regex *",
        "mobile",
        "'(?i)^\\[?(aws-cli|boto3|s3console)'",
        "'*aws-cli*'",
        "a * alone is that of glob(); in a regular expression .* is any text [TB201]",
    ),
    Mistake("regex lookahead", "mobile", "'(?i)^\\[?(aws-cli|boto3|s3console)'", "'^(?!aws-cli)'", " [TB201]"),
    Mistake(
        "errorCode",
        "security",
        "eventName == 'PutObjectAcl'",
        "errorCode == 'access denied'",
        "write 'AccessDenied', or test errorMessage [TB206]",
    ),
    Mistake("null bare", "ledger", "`null`", "null", "write `null` [TB203]"),
    Mistake("null empty", "ledger", "copy.bucket == `null`", "copy.bucket == ''", "compare it with `null` [TB206]"),
    Mistake(
        "upper func",
        "payments",
        "in_list(actor.role, 'nightly-jobs')",
        "upper(actor.role) == 'PAYMENTS-NIGHTLY'",
        "there is: abs, avg, ceil, cidr, contains, ends_with, floor, glob, holds, in_list, join, keys, length, lower, map, max, max_by, merge, min, min_by, not_null, regex, reverse, sort, sort_by, starts_with, sum, to_array, to_number, to_string, type, values [TB201]",
    ),
    Mistake(
        "in_list swapped", "payments", "in_list(actor.role, 'nightly-jobs')", "in_list('nightly-jobs', actor.role)", " [TB201]"
    ),
    Mistake(
        "glob swapped",
        "payments",
        "glob(key, 'exports/*')",
        "glob('exports/*', key)",
        "a field is written without quotes [TB208]",
    ),
    Mistake("runbook http", "security", "https://wiki", "http://wiki", "such as https://wiki.example.com/page [TB114]"),
    Mistake(
        "buckets caps",
        "mobile",
        '"mobile-*"',
        '"Mobile-*"',
        "names have 3 to 63 lower-case letters, digits, dots and dashes; * and ? stand for any [TB410]",
    ),
    Mistake(
        "exclude none",
        "payments",
        '"!payments-dev"',
        '"!payment-dev"',
        "write the buckets that are not meant, or delete it [TB420]",
    ),
    Mistake(
        "webhook & incident twice",
        "mobile",
        "    incident: {by: [actor, access], window: 30m}\n",
        "    incident: {by: [actor, access], window: 30m}\n    digest: {after: 3, by: [name]}\n",
        "delete digest: an incident folds across batches, too [TB316]",
    ),
    Mistake(
        "sso role",
        "mobile",
        "contains(['mobile-ci', 'mobile-release'], actor.role)",
        "glob(actor.role, 'AWSReservedSSO_*')",
        "also test who calls: actor.role == '…'; or, if everyone is meant, say everyone: true [TB405]",
    ),
    Mistake(
        "name of assumed",
        "web",
        "actor.role == 'web-uploader'",
        "actor.name == 'web-uploader'",
        "also test who calls: userIdentity.type == 'IAMUser'; or, if everyone is meant, say everyone: true [TB405]",
    ),
]


def found(texts: Mapping[str, str]) -> tuple[Finding, ...]:
    sources = [parse_source(text.encode(), path) for path, text in sorted(texts.items())]
    return lint(with_base(sources, Path("policies")), NOW)


def said_of(mistake: Mistake) -> str:
    """What is said on the lines that a mistake changes, or of the part that they belong to."""
    path = f"policies/{mistake.file}.yaml"
    texts = company()
    before, there, after = texts[path].partition(mistake.written)
    assert there, mistake
    first = (f"{before}{mistake.mistaken}{after}".partition(mistake.at)[0] if mistake.at else before).count("\n") + 1
    last = first + max(mistake.written.count("\n"), mistake.mistaken.count("\n"))
    findings = found({**texts, path: f"{before}{mistake.mistaken}{after}"})
    return "\n".join(finding.line for finding in findings if finding.where.path == path and first <= finding.where.line <= last)


def test_the_company_is_clean_with_six_teams_forty_buckets_and_three_accounts() -> None:
    assert found(company()) == ()
    assert (len(BUCKETS), sum(map(len, BUCKETS.values())), MAIN.count("account_names")) == (6, 40, 1)


def test_a_set_of_two_hundred_teams_is_clean() -> None:
    texts = teams(200)
    assert len(texts) > 200
    assert found(texts) == ()


def test_a_tenth_of_the_mistakes_is_told_where_it_is_with_what_to_write() -> None:
    sample = [one for one in MISTAKES if one.said is not None][::10]
    assert [one.name for one in sample if str(one.said) not in said_of(one)] == []


@pytest.mark.parametrize("mistake", [one for one in MISTAKES if one.said is None], ids=lambda one: one.name)
def test_what_is_not_found_is_listed_as_a_known_limit(mistake: Mistake) -> None:
    assert said_of(mistake) == ""
    assert f"`{mistake.name}`" in (ROOT / "docs/lint/README.md").read_text("utf-8")


@pytest.mark.long
def test_nearly_every_mistake_is_found() -> None:
    missed = [one for one in MISTAKES if one.said is None or one.said not in said_of(one)]
    assert [one.name for one in missed if one.said is not None] == []
    share = 1 - len(missed) / len(MISTAKES)
    print(f"{len(MISTAKES) - len(missed)} of {len(MISTAKES)} mistakes found where they are ({share:.1%})")  # noqa: T201
    assert len(MISTAKES) >= LEAST_COUNT
    assert share >= LEAST_SHARE
