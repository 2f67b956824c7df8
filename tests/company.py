"""A company's policy set, of six teams with forty buckets in three accounts, and one of as many teams as wanted."""

from __future__ import annotations

from typing import Final

PROD, DEV, DATA = "111122223333", "444455556666", "777788889999"

BUCKETS: Final = {
    "payments": ["payments-prod", "payments-dev", "payments-archive", "payments-exports", "payments-inbox", "payments-reports"],
    "ledger": ["ledger", "ledger-archive", "ledger-audit"],
    "analytics": [f"analytics-{name}" for name in ("raw", "clean", "marts", "models", "scratch", "exports", "athena", "glue")],
    "web": [f"web-{name}" for name in ("assets", "uploads", "previews", "backups", "logs", "fonts")],
    "mobile": [f"mobile-{name}" for name in ("builds", "crashes", "avatars", "feeds", "symbols", "releases", "beta")],
    "platform": [f"platform-{name}" for name in ("state", "images", "charts", "logs", "trail", "config", "flow", "dumps")]
    + ["shared-tools", "shared-wheels"],
}
"""Each team's buckets."""

MAIN: Final = f"""\
version: 1
name: main
owner: security
description: What holds for every team.
extends: trailbell/base

account_names:
  "{PROD}": prod
  "{DEV}": dev
  "{DATA}": data

channels:
  - name: s3-watch
    webhook: {{env: SLACK_WEBHOOK_URL}}
    incident: {{by: [actor, bucket, access], window: 15m}}
    fallback: pager
    fallback_after: 5m
  - name: pager
    sns: arn:aws:sns:ap-northeast-1:111122223333:trailbell-critical
  - name: security
    webhook: {{secret: trailbell/slack, key: security}}
    masking_floor: strict
    incident: {{by: [actor, bucket, access], window: 5m}}
    fallback: pager
    fallback_after: 5m

masking:
  - level: standard
    fields: {{time: keep, event: keep, bucket: keep, key: keep, copy_source: keep, region: keep, source_ip: network,
      user_agent: keep, class: keep, evidence: keep, actor_type: keep, name: keep, role: keep, session: keep, arn: keep,
      account: mask, access_key: last4, error_code: keep, event_id: keep}}
  - level: strict
    fields: {{time: keep, event: keep, bucket: keep, key: mask, source_ip: network, class: keep, role: keep, account: mask}}

default: {{notify: [s3-watch], masking: standard}}

lists:
  holidays: ["2026-12-24..2027-01-03", "2027-05-01"]

conditions:
  office: cidr(source.ip, '203.0.113.0/24')
"""

SECURITY: Final = """\
version: 1
name: security
owner: security
description: What security hears of every bucket.

routes:
  - id: misuse
    when: actor.class == 'credential-misuse'
    notify: [security]
    severity: critical
    runbook: https://wiki.example.com/stolen-credentials
  - id: root
    when: actor.type == 'Root' || actor.role == 'break-glass'
    notify: [security]
    severity: critical
  - id: made-public
    when:
      - eventName == 'PutObjectAcl'
      - contains(['public-read', 'public-read-write'], requestParameters."x-amz-acl")
    notify: [security]
    severity: critical
    title: "{name} made {key} public"
"""

PAYMENTS: Final = """\
version: 1
name: payments
owner: team-payments
buckets: ["payments-*", "!payments-dev"]
accounts: [prod]
masking_floor: standard

channels:
  - name: payments-alerts
    webhook: {secret: trailbell/slack, key: payments}
    timezone: Asia/Tokyo
    incident: {by: [actor, bucket, access], window: 15m}
    fallback: s3-watch
    fallback_after: 5m

lists:
  nightly-jobs: [payments-nightly, payments-exporter]

routes:
  - id: denied
    when: access.denied
    notify: [security]
    masking: strict
    severity: critical
    continue: true
  - id: nightly
    when: actor.role == 'payments-nightly' && access.kind == 'read'
    mute: reconciliation, PAY-1123
  - id: exports
    when:
      - in_list(actor.role, 'nightly-jobs')
      - glob(key, 'exports/*')
      - access.kind == 'write'
    mute: the nightly exports, PAY-1130
  - id: copied-out
    when: glob(copy.bucket, 'payments-*') && !glob(bucket, 'payments-*')
    notify: [security, payments-alerts]
    severity: critical
  - id: at-night
    when: actor.kind == 'person' && !holds('office')
    during: {days: [mon-fri], hours: "20:00-07:00", timezone: Asia/Tokyo, except: [holidays]}
    notify: [payments-alerts, security]
  - id: people
    when: actor.class == 'human'
    notify: [payments-alerts]
    title: "{name} read {key}"
  - id: others
    notify: [payments-alerts]

silences:
  - id: migration
    when: actor.role == 'payments-migrator'
    from: 2026-11-01T00:00:00Z
    until: 2026-12-20T00:00:00Z
    reason: bucket migration, PAY-1190
    channels: [payments-alerts]
"""

LEDGER: Final = """\
version: 1
name: ledger
owner: team-ledger
buckets: [ledger, ledger-archive, ledger-audit]
masking_floor: strict

channels:
  - name: ledger-alerts
    webhook: {parameter: /trailbell/slack/ledger}
    digest: {after: 5, by: [name, bucket]}
    fallback: pager
    fallback_after: 5m

routes:
  - id: close
    when: bucket == 'ledger' && copy.bucket == `null` && actor.role == 'ledger-nightly'
    mute: the books are closed each night, LED-7
  - id: deletes
    when: access.kind == 'delete' && actor.kind != 'service'
    notify: [ledger-alerts, security]
    severity: critical
  - id: large
    when: additionalEventData.bytesTransferredOut > `1000000`
    notify: [ledger-alerts]
    severity: critical
  - id: rest
    notify: [ledger-alerts]
"""

ANALYTICS: Final = """\
version: 1
name: analytics
owner: team-analytics
buckets: ["analytics-*"]
accounts: [data]

channels:
  - name: analytics-alerts
    webhook: {env: SLACK_WEBHOOK_ANALYTICS}
    incident: {by: [actor, bucket], window: 10m}
    fallback: pager
    fallback_after: 5m

routes:
  - id: load
    when: actor.role == 'analytics-nightly' && access.kind == 'write'
    mute: the nightly load, DATA-77
  - id: partner
    when: actor.account == '444455556666' && actor.cross_account && access.kind == 'read'
    mute: our partner reads the marts, DATA-80
  - id: other-regions
    when: awsRegion != 'ap-northeast-1' && awsRegion != 'us-east-1'
    notify: [analytics-alerts]
    severity: critical
  - id: raw-by-hand
    when: bucket == 'analytics-raw' && actor.kind == 'person'
    notify: [analytics-alerts]
  - id: rest
    when: actor.class != 'aws-service'
    notify: [analytics-alerts]
    severity: info
"""

WEB: Final = """\
version: 1
name: web
owner: team-web
buckets: [web-assets, "web-up*", web-previews, web-backups, web-logs, web-fonts]

channels:
  - name: web-alerts
    webhook: {env: SLACK_WEBHOOK_WEB}
    incident: {by: [actor, bucket, access], window: 15m}

routes:
  - id: visitors
    when: bucket == 'web-assets' && copy.bucket == `null` && actor.class == 'anonymous' && access.kind == 'read'
    everyone: true
    mute: the website is public
  - id: uploads
    when: glob(bucket, 'web-uploads*') && starts_with(key || '', 'incoming/') && actor.role == 'web-uploader'
    mute: uploads of the site, WEB-12
  - id: changes
    notify: [web-alerts]
    title: "{event} on {bucket}"
"""

MOBILE: Final = """\
version: 1
name: mobile
owner: team-mobile
buckets: ["mobile-*"]
accounts: [dev, prod]

channels:
  - name: mobile-alerts
    webhook: {env: SLACK_WEBHOOK_MOBILE}
    incident: {by: [actor, access], window: 30m}

routes:
  - id: pipeline
    when: contains(['mobile-ci', 'mobile-release'], actor.role) && (access.kind == 'write' || access.kind == 'read')
    mute: builds of the apps, MOB-3
  - id: unknown-tools
    when: actor.kind == 'person' && !regex(userAgent, '(?i)^\\[?(aws-cli|boto3|s3console)')
    notify: [mobile-alerts, security]
    masking: strict
  - id: rest
    notify: [mobile-alerts]
"""

PLATFORM: Final = """\
version: 1
name: platform
owner: team-platform
buckets: ["platform-*", "shared-*"]

channels:
  - name: platform-alerts
    webhook: {env: SLACK_WEBHOOK_PLATFORM}
    incident: {by: [actor, bucket, access], window: 15m}
    fallback: s3-watch
    fallback_after: 5m

routes:
  - id: trail
    when:
      - userIdentity.type == 'AWSService' && actor.service == 'cloudtrail.amazonaws.com'
      - userIdentity.inScopeOf.sourceAccount == '111122223333'
      - bucket == 'platform-trail' && copy.bucket == `null`
    mute: the trail, PLT-1
  - id: state
    when: bucket == 'platform-state' && actor.role != 'platform-deploy'
    notify: [platform-alerts, security]
    severity: critical
  - id: rest
    notify: [platform-alerts]
    masking: standard

silences:
  - id: cluster-move
    when: regex(actor.role, '^platform-(migrator|mover)$') && source.private
    until: 2026-12-10T00:00:00Z
    reason: the clusters move, PLT-44
"""


def company() -> dict[str, str]:
    """The files of a company with six teams: their texts by path."""
    texts = (MAIN, SECURITY, PAYMENTS, LEDGER, ANALYTICS, WEB, MOBILE, PLATFORM)
    return {f"policies/{text.split('name: ', 1)[1].split()[0]}.yaml": text for text in texts}


def teams(count: int) -> dict[str, str]:
    """The files of a company with as many teams: each is one of the six, with names of its own."""
    names = tuple(BUCKETS)
    texts = dict(zip(names, (PAYMENTS, LEDGER, ANALYTICS, WEB, MOBILE, PLATFORM), strict=True))
    made = {"policies/main.yaml": MAIN, "policies/security.yaml": SECURITY}
    for number in range(count):
        name = names[number % len(names)]
        text = texts[name].replace("shared-", f"{name}-shared-").replace("nightly-jobs", f"{name}-jobs")
        own = f"{name}{number:03}"
        text = (
            text.replace(f"SLACK_WEBHOOK_{name.upper()}", f"SLACK_WEBHOOK_{own.upper()}")
            .replace(name, own)
            .replace(f"{own}hook", "webhook")
        )
        made[f"policies/{own}.yaml"] = text
    return made
