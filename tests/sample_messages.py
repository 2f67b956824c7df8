"""The messages of which `docs/` has pictures: one of each kind, of made-up events, through masking and rendering."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from builders import NOW, STANDARD, channel, event, policy, policy_set, route
from messages import HUMAN, TOKYO

from engine.model import (
    ActivePolicySet,
    ActorClass,
    Channel,
    Decision,
    Deployment,
    DigestRule,
    Event,
    Evidence,
    Field,
    Fold,
    Incident,
    Kind,
    Language,
    Level,
    LocalizedText,
    Message,
    Operator,
    Request,
    Severity,
    Strength,
    Verdict,
)
from engine.pipeline.digest import Entry, fold
from engine.pipeline.mask import mask
from engine.pipeline.render import Counted, changed_notice, muted_notice, render, render_fold, render_incident, render_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Deployment("ap-northeast-1", "/aws/lambda/trailbell", changes="https://github.com/acme/policies/new/main/policies")
RUNBOOK = "https://wiki.example.com/payments/access"
REVISION = "sha256:d2c4fa41b0e7"
TASK = "4d7f0a1b2c3e4f5061728394a5b6c7d8"

ALIASED = STANDARD._replace(account_names=MappingProxyType({"444455556666": "logistics", "111122223333": "prod"}))
STRICT = Level(
    "strict",
    2,
    MappingProxyType(
        {
            **STANDARD.operators,
            **dict.fromkeys((Field.NAME, Field.SESSION, Field.KEY), Operator.MASK),
            **dict.fromkeys((Field.USER_AGENT, Field.CLIENT, Field.ACCESS_KEY, Field.ARN, Field.PRINCIPAL), Operator.DROP),
        }
    ),
)


def _class(name: str, kind: Kind, title: tuple[str, str], says: tuple[str, str], strength: Strength, **parts: Any) -> ActorClass:
    evidence = Evidence(f"{name}-evidence", LocalizedText(*says), strength, HUMAN.evidence[0].matcher)
    return ActorClass(name, kind, title=LocalizedText(*title), evidence=(evidence,), **parts)


PERSON = _class(
    "human",
    Kind.PERSON,
    ("Person", "人"),
    ("signed in through IAM Identity Center", "IAM Identity Center でサインイン"),
    Strength.ATTESTED,
    emoji=":bust_in_silhouette:",
)
TASKS = _class(
    "ecs-robot",
    Kind.ROBOT,
    ("ECS task", "ECS タスク"),
    ("by the form of its session name", "セッション名がタスク ID の形式"),
    Strength.CLAIMED,
    emoji=":robot_face:",
)
MISUSE = _class(
    "credential-misuse",
    Kind.UNKNOWN,
    ("Credential misuse", "認証情報の不正使用の疑い"),
    (
        "a robot's credentials (a task's, an instance's, a function's, a job's) on macOS, desktop Windows or WSL",
        "ロボット（タスク、インスタンス、関数、ジョブ）の認証情報が macOS、デスクトップ版 Windows または WSL で使われた",
    ),
    Strength.CLAIMED,
    never_mute=True,
)
ANYONE = _class(
    "anonymous",
    Kind.UNKNOWN,
    ("Anonymous", "匿名"),
    (
        "the request was not signed; anyone on the internet could have sent it",
        "リクエストに署名がなく、インターネット上の誰でも送信できた",
    ),
    Strength.ATTESTED,
    emoji=":globe_with_meridians:",
)
OTHERS = _class(
    "cross-account",
    Kind.UNKNOWN,
    ("Another account", "別のアカウント"),
    ("who it was is recorded only in that account's trail", "誰の操作かは、そのアカウントの証跡にしか記録されない"),
    Strength.ATTESTED,
    emoji=":office:",
)

MAC = "aws-cli/2.27.50 md/awscrt#0.26.1 ua/2.1 os/macos#24.5.0 md/arch#arm64 lang/python#3.13.5 md/command#s3.cp"
FARGATE = "Boto3/1.40.20 md/Botocore#1.40.20 os/linux#5.10.240 exec-env/AWS_ECS_FARGATE m/Z,b,z"
CHROME = "[Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36]"


def _target(bucket: str, key: str, **parameters: Any) -> dict[str, Any]:
    return {"requestParameters": {"bucketName": bucket, "key": key, **parameters}}


def _role(role: str, session: str, account: str = "111122223333") -> dict[str, Any]:
    return {
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLEEXAMPLEEXA:{session}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
            "accountId": account,
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        }
    }


def _account(account: str) -> dict[str, Any]:
    return {"userIdentity": {"type": "AWSAccount", "principalId": "AROAEXAMPLEEXAMPLEEXA:session", "accountId": account}}


READ = {"additionalEventData": {"bytesTransferredOut": 18274, "bytesTransferredIn": 0}, "userAgent": MAC}


def _asked(level: Level, severity: Severity, routes: tuple[str, ...], **parts: Any) -> Request:
    return Request("watch", level, severity, *routes[0].split("/"), routes=routes, **parts)


def _decided(one: Event, actor: ActorClass, *, defaulted: bool = False) -> Decision:
    verdict = Verdict(actor, actor.evidence[0], (), () if defaulted else ("x/y",), (), (), defaulted, (), REVISION)
    return Decision(str(one.record["eventID"]), verdict)


def _channel(language: Language = Language.EN) -> Channel:
    return channel("watch", floor=STANDARD, language=language)._replace(timezone=TOKYO)


def _single(  # noqa: PLR0913  what a message is made of
    actor: ActorClass,
    changes: Mapping[str, Any],
    severity: Severity = Severity.WARNING,
    route: str = "payments/people",
    *,
    level: Level = ALIASED,
    language: Language = Language.EN,
    counted: Counted | None = None,
    defaulted: bool = False,
    **asked: Any,
) -> Message:
    one = event(**{**READ, **changes})
    decision = _decided(one, actor, defaulted=defaulted)
    request = _asked(level, severity, (route,), **asked)
    return render(mask(one, decision, level, None), decision, request, _channel(language), HERE, counted=counted)


def _many(count: int, denied: int = 0, **changes: Any) -> list[Entry]:
    entries = []
    for place in range(count):
        folder = "2025/03" if place < denied else "2026/10" if place < denied + count // 20 else "2026/11"
        failed = {"errorCode": "AccessDenied"} if place < denied else {}
        one = event(
            **{
                **READ,
                "additionalEventData": {"bytesTransferredOut": 1_630_000 + place},
                "eventTime": f"2026-11-01T09:{12 + place * 14 // count:02}:{place % 60:02}Z",
                **_target("payments-prod", f"{folder}/part-{place:05}.parquet"),
                **failed,
                **changes,
            }
        )
        decision = _decided(one, PERSON)
        request = _asked(ALIASED, Severity.CRITICAL, ("payments/people",), runbook=RUNBOOK)
        entries.append(Entry(place, mask(one, decision, ALIASED, None), decision, request))
    return entries


RULE = DigestRule(5, (Field.NAME, Field.BUCKET))


def _digest(language: Language = Language.EN) -> Message:
    return render_summary(fold(_many(959, 41), RULE)[1][0], _channel(language), HERE)


def _incident(language: Language = Language.EN, *, ended: bool = False) -> Message:
    summary = fold(_many(120), RULE)[1][0]
    return render_incident(Incident(summary, 100, ended), _channel(language), HERE)


def _incident_of_people(language: Language = Language.EN) -> Message:
    entries = []
    for place in range(24):
        name = ("analyst", "mary.major", "mateo.jackson")[place % 3]
        one = event(
            **{
                **READ,
                **_target("hr-records", f"2026/11/salaries-{place // 2}.csv"),
                "eventTime": f"2026-11-01T09:{place + 12}:00Z",
            }
        )
        decision, request = _decided(one, PERSON), _asked(STRICT, Severity.WARNING, ("hr/everyone",))
        masked = mask(one, decision, STRICT, None)._replace(caller_ids=("account", "role", name, name), object_id=str(place // 2))
        entries.append(Entry(place, masked, decision, request))
    summary = fold(entries, DigestRule(5, (Field.BUCKET,)))[1][0]
    return render_incident(Incident(summary, 23, ended=True), _channel(language), HERE)


def _fold(language: Language = Language.EN) -> Message:
    largest = [
        fold(_many(40, **_role("AWSReservedSSO_Analyst_0123456789abcdef", f"{name}@example.com")), RULE)[1][0]
        for name in ("analyst", "mary.major", "jo.bloggs", "mateo.jackson", "nikki.wolf")
    ]
    times = "2026-11-01T09:12:00Z", "2026-11-01T09:24:00Z"
    routes = ("payments/people", "security/denied")
    return render_fold(Fold(37, 1204, *times, tuple(largest), Severity.CRITICAL, routes, REVISION), _channel(language), HERE)


def _changed(language: Language = Language.EN) -> Message:
    before = policy_set(revision="sha256:8b1f00c2aa19", commit="4f2c9e1d7ab05")
    after = policy_set(revision=REVISION, commit="91be07734c0de")
    active = ActivePolicySet(after, "a-version", NOW, "arn:aws:sts::111122223333:assumed-role/publisher/release")
    return changed_notice(_channel(language), before, active)


def _muted(language: Language = Language.EN) -> Message:
    rules = policy(
        "payments", route("nightly", "`true`", mute="reconciliation job, PAY-1123"), route("idle", "`true`", mute="old")
    )
    counts = {"payments/nightly": 1234}
    return muted_notice(counts, policy_set(rules, revision=REVISION), _channel(language), NOW.date(), NOW)


DENIED = {"errorCode": "AccessDenied"}
MISUSED = {**_role("payments-nightly", TASK), **_target("example-reports", "2026/11/ledger.csv"), "sourceIPAddress": "192.0.2.99"}

SAMPLES: Mapping[str, Callable[[], Message]] = MappingProxyType(
    {
        "robot": lambda: _single(
            TASKS,
            {
                **_role("payments-nightly", TASK),
                **_target("example-reports", "2026/11/ledger.csv"),
                "userAgent": FARGATE,
                "sourceIPAddress": "198.51.100.7",
            },
            Severity.INFO,
            "payments/others",
            defaulted=True,
        ),
        "person": lambda: _single(
            PERSON, {}, title=LocalizedText("read {bucket} at the weekend"), route="payments/weekend", runbook=RUNBOOK
        ),
        "misuse": lambda: _single(MISUSE, MISUSED, Severity.CRITICAL, "security/misuse", runbook=RUNBOOK),
        "misuse-denied": lambda: _single(MISUSE, {**MISUSED, **DENIED}, Severity.CRITICAL, "security/misuse", runbook=RUNBOOK),
        "anonymous-denied": lambda: _single(
            ANYONE,
            {
                **_account("anonymous"),
                **_target("web-private", "backup/site-2026-11-01.tar.gz"),
                **DENIED,
                "userAgent": CHROME,
            },
            Severity.INFO,
            "web/changes",
        ),
        "copied-out": lambda: _single(
            PERSON,
            {
                **_role("AWSReservedSSO_Operations_0123456789abcdef", "mary.major@example.com"),
                **_target(
                    "attacker-exfil-example",
                    "customer-database.csv",
                    **{"x-amz-copy-source": "payments-prod/2026/11/customer-database.csv"},
                ),
                "eventName": "CopyObject",
            },
            Severity.CRITICAL,
            "payments/copied-out",
            runbook=RUNBOOK,
        ),
        "deleted": lambda: _single(
            PERSON,
            {"eventName": "DeleteObjects", "requestParameters": {"bucketName": "payments-prod"}},
            Severity.CRITICAL,
            runbook=RUNBOOK,
        ),
        "made-public": lambda: _single(
            PERSON,
            {"eventName": "PutObjectAcl", **_target("web-private", "reports/2026/q3.pdf", **{"x-amz-acl": "public-read"})},
            Severity.CRITICAL,
            "web/changes",
        ),
        "another-account": lambda: _single(
            OTHERS,
            {**_account("444455556666"), **_target("partner-exchange", "outbox/2026-11-01.csv"), "userAgent": FARGATE},
            Severity.INFO,
            "analytics/partner",
        ),
        "account-without-alias": lambda: _single(
            OTHERS,
            {**_account("777788889999"), **_target("partner-exchange", "outbox/2026-11-01.csv")},
            Severity.INFO,
            "a/partner",
        ),
        "strict": lambda: _single(PERSON, _target("hr-records", "2026/11/salaries.csv"), level=STRICT, route="hr/everyone"),
        "person-denied": lambda: _single(
            PERSON,
            {
                **_role("AWSReservedSSO_Support_0123456789abcdef", "jo.bloggs@example.com"),
                **_target("ledger", "backup/2026/11/01/full/export-full-2026-11-01T0300.parquet"),
                **DENIED,
                "userAgent": "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750]",
            },
            route="ledger/everyone",
        ),
        "ring-of-an-incident": lambda: _single(PERSON, {}, Severity.CRITICAL, counted=Counted(499, 1000), runbook=RUNBOOK),
        "digest": _digest,
        "incident-so-far": _incident,
        "incident-ended": lambda: _incident(ended=True),
        "incident-of-people": _incident_of_people,
        "fold": _fold,
        "policies-changed": _changed,
        "muted-yesterday": _muted,
        "japanese-person": lambda: _single(
            PERSON,
            {},
            language=Language.JA,
            route="payments/weekend",
            title=LocalizedText("read {bucket} at the weekend", "が週末に {bucket} を読み取り"),
            runbook=RUNBOOK,
        ),
        "japanese-misuse": lambda: _single(
            MISUSE, MISUSED, Severity.CRITICAL, "security/misuse", language=Language.JA, runbook=RUNBOOK
        ),
        "japanese-denied": lambda: _single(PERSON, DENIED, language=Language.JA),
        "japanese-digest": lambda: _digest(Language.JA),
        "japanese-fold": lambda: _fold(Language.JA),
        "japanese-muted-yesterday": lambda: _muted(Language.JA),
    }
)
"""By name, in the order of the pictures."""

ABOUT_ONE_EVENT = frozenset(
    name
    for name in SAMPLES
    if not any(word in name for word in ("digest", "fold", "policies", "muted", "incident-so-far", "incident-ended"))
)
