"""The words of a message, in the languages that a channel can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Field, Language, MatcherKind, Severity, Strength
from engine.pipeline.render.buttons import Target

if TYPE_CHECKING:
    from collections.abc import Mapping


class Words(NamedTuple):
    """One language. Names in braces are filled by `str.format`; nothing of an event ever stands in a template."""

    fields: Mapping[Field, str]
    weekdays: tuple[str, ...]
    colon: str
    comma: str
    hidden: str
    not_recorded: str
    allowed: str
    denied: str
    failed: str
    source: str
    title: str
    title_without_bucket: str
    event: str
    strengths: Mapping[Strength, str]
    no_evidence: str
    severities: Mapping[Severity, str]
    matchers: Mapping[MatcherKind, str]
    failures: str
    fallback: str
    asked_by: str
    masking: str
    severity: str
    revision: str
    no_key: str
    more: str
    summary: str
    actors: str
    count_denied: str
    links: Mapping[Target, str]


_EN: Final = Words(
    fields={
        Field.TIME: "Time",
        Field.EVENT: "Event",
        Field.BUCKET: "Bucket",
        Field.KEY: "Key",
        Field.COPY_SOURCE: "Copied from",
        Field.SIZE: "Size",
        Field.REGION: "Region",
        Field.SOURCE_IP: "Source IP",
        Field.USER_AGENT: "User agent",
        Field.CLIENT: "Client",
        Field.CLASS: "Class",
        Field.EVIDENCE: "Evidence",
        Field.ACTOR_TYPE: "Identity type",
        Field.NAME: "Name",
        Field.ROLE: "Role",
        Field.SESSION: "Session",
        Field.ARN: "ARN",
        Field.PRINCIPAL: "Principal",
        Field.ACCOUNT: "Account",
        Field.ACCESS_KEY: "Access key",
        Field.MFA: "MFA",
        Field.ERROR_CODE: "Error",
        Field.ERROR_MESSAGE: "Error message",
        Field.EVENT_ID: "Event ID",
        Field.REQUEST_ID: "Request ID",
    },
    weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    colon=": ",
    comma=", ",
    hidden="(hidden)",
    not_recorded="\N{EN DASH}",
    allowed="Allowed",
    denied="Denied",
    failed="Failed",
    source="from ",
    title="{event} on {bucket}",
    title_without_bucket="{event}",
    event="CloudTrail event",
    strengths={
        Strength.ATTESTED: "AWS vouches for it",
        Strength.CLAIMED: "claimed: the caller could have chosen it",
    },
    no_evidence="no class has evidence for this caller",
    severities={Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"},
    matchers={MatcherKind.EVIDENCE: "evidence", MatcherKind.ROUTE: "route", MatcherKind.SILENCE: "silence"},
    failures="Matchers that failed ({count}): {matchers}",
    fallback="Sent here because the channel {channel} is gone",
    asked_by="Asked for by {routes}",
    masking="Masking: {level}",
    severity="Severity: {severity}",
    revision="Policies: {revision}",
    no_key="Hidden for want of a hash key: {count}",
    more="{count} more",
    summary="{count} like events: {what}",
    actors="Who",
    count_denied="{count} of them denied",
    links={
        Target.EVENT: "Event in CloudTrail",
        Target.CALLER: "Caller in CloudTrail",
        Target.BUCKET: "Bucket in CloudTrail",
        Target.AUDIT: "Audit record",
        Target.RUNBOOK: "Runbook",
        Target.MUTE: "Propose a mute",
    },
)

_JA: Final = Words(
    fields={
        Field.TIME: "時刻",
        Field.EVENT: "イベント",
        Field.BUCKET: "バケット",
        Field.KEY: "キー",
        Field.COPY_SOURCE: "コピー元",
        Field.SIZE: "サイズ",
        Field.REGION: "リージョン",
        Field.SOURCE_IP: "送信元 IP",
        Field.USER_AGENT: "ユーザーエージェント",
        Field.CLIENT: "クライアント",
        Field.CLASS: "分類",
        Field.EVIDENCE: "根拠",
        Field.ACTOR_TYPE: "ID の種類",
        Field.NAME: "名前",
        Field.ROLE: "ロール",
        Field.SESSION: "セッション",
        Field.ARN: "ARN",
        Field.PRINCIPAL: "プリンシパル",
        Field.ACCOUNT: "アカウント",
        Field.ACCESS_KEY: "アクセスキー",
        Field.MFA: "MFA",
        Field.ERROR_CODE: "エラー",
        Field.ERROR_MESSAGE: "エラーメッセージ",
        Field.EVENT_ID: "イベント ID",
        Field.REQUEST_ID: "リクエスト ID",
    },
    weekdays=("月", "火", "水", "木", "金", "土", "日"),
    colon=": ",
    comma="、",
    hidden="(非表示)",
    not_recorded="\N{EN DASH}",
    allowed="許可",
    denied="拒否",
    failed="失敗",
    source="送信元 ",
    title="{bucket} への {event}",
    title_without_bucket="{event}",
    event="CloudTrail イベント",
    strengths={
        Strength.ATTESTED: "AWS が保証",
        Strength.CLAIMED: "自称: 呼び出し側が選べる値",
    },
    no_evidence="どの分類の根拠にも当てはまらない呼び出し元",
    severities={Severity.INFO: "情報", Severity.WARNING: "警告", Severity.CRITICAL: "重大"},
    matchers={MatcherKind.EVIDENCE: "根拠", MatcherKind.ROUTE: "ルート", MatcherKind.SILENCE: "サイレンス"},
    failures="評価に失敗した条件 ({count} 件): {matchers}",
    fallback="チャンネル {channel} が存在しないため、ここに送信",
    asked_by="通知元: {routes}",
    masking="マスキング: {level}",
    severity="重要度: {severity}",
    revision="ポリシー: {revision}",
    no_key="ハッシュ鍵がないため非表示: {count} 件",
    more="ほか {count} 件",
    summary="同様のイベント {count} 件: {what}",
    actors="呼び出し元",
    count_denied="うち拒否 {count} 件",
    links={
        Target.EVENT: "CloudTrail でイベントを見る",
        Target.CALLER: "CloudTrail で呼び出し元を見る",
        Target.BUCKET: "CloudTrail でバケットを見る",
        Target.AUDIT: "監査記録",
        Target.RUNBOOK: "手順書",
        Target.MUTE: "ミュートを提案",
    },
)

WORDS: Final[Mapping[Language, Words]] = {Language.EN: _EN, Language.JA: _JA}
