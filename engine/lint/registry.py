"""Every finding by its code: what it refuses, why, a bad and a good example. The examples are the tests and the pages.

An example is a file beside `BASE` (or `EXTENDING`); where it does not start with `version:`, `HEADER` stands before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEADER: Final = "version: 1\nname: example\nowner: team\n"

BASE: Final = """\
version: 1
name: base
owner: security
channels:
  - {name: watch, webhook: {env: SLACK_WEBHOOK_URL}}
masking:
  - level: standard
    fields: {time: keep, event: keep, bucket: keep, key: keep, source_ip: network, name: keep, account: mask}
  - level: strict
    fields: {time: keep, event: keep}
default: {notify: [watch], masking: standard}
"""

EXTENDING: Final = """\
version: 1
name: main
owner: security
extends: trailbell/base
trusts: [example]
channels:
  - {name: s3-watch, webhook: {env: SLACK_WEBHOOK_URL}}
default: {notify: [s3-watch], masking: standard}
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One code. `bad` and `good` are empty where the finding is not about the text of a file.

    `alone`: without `beside`. `tested`: they are files of policy tests beside that and `TESTED`.
    """

    code: str
    what: str
    why: str
    bad: str = ""
    good: str = ""
    alone: bool = False
    tested: bool = False
    beside: str = BASE


def _route(when: str, rest: str = "notify: [watch]") -> str:
    return f"routes:\n  - id: r\n    when: {when}\n    {rest}\n"


def _mute(when: str, rest: str = "") -> str:
    return "buckets: [payments-prod]\n" + _route(when, f"mute: a nightly job, OPS-1{rest}")


def _silence(rest: str) -> str:
    """A silence of the messages of a route."""
    return _route("access.denied") + f"silences:\n  - {{id: s, when: actor.role == 'mover', reason: work{rest}}}"


def _circle(fallback: str) -> str:
    return (
        "channels:\n  - {name: a, webhook: {env: SLACK_WEBHOOK_A}, fallback: b}\n"
        f"  - {{name: b, webhook: {{env: SLACK_WEBHOOK_B}}, fallback: {fallback}}}\n"
        "  - {name: pager, sns: arn:aws:sns:eu-west-1:111122223333:trailbell}\n" + _route("access.denied", "notify: [a, pager]")
    )


_OPS: Final = "channels:\n  - {name: ops, webhook: {env: SLACK_WEBHOOK_OPS}}\n"


def _guarantee(says: str) -> str:
    return f"guarantees:\n  - {{id: denied, when: access.denied, {says}}}\n"


def _set(masking: str) -> str:
    """A whole set with these fields of its level `standard`, and a second level where the text goes on."""
    return f"{_SET}masking:\n  - level: standard\n    fields: {masking}\n"


_SET: Final = """\
version: 1
name: example
owner: team
channels: [{name: watch, webhook: {env: SLACK_WEBHOOK_URL}}]
default: {notify: [watch], masking: standard}
"""
TESTED: Final = HEADER + "routes:\n  - {id: denied, when: access.denied, notify: [watch]}\n"
"""The policy that the policy tests of the examples are about."""


def _channel(rest: str) -> str:
    """A channel `x` with more keys, and a route that asks for it."""
    return f"channels:\n  - {{name: x, webhook: {{env: SLACK_WEBHOOK_X}}, {rest}}}\n" + _route("access.denied", "notify: [x]")


def _test(expect: str, event: str = "") -> str:
    """A file with one policy test."""
    return (
        f"version: 1\ntests:\n  - name: an example\n    event: {{eventTime: 2026-11-01T00:00:00Z{event}}}\n    expect: {expect}\n"
    )


def _extending(base: str) -> str:
    """A whole set that extends a base."""
    return EXTENDING.replace("trailbell/base", base).replace("trusts: [example]\n", "")


_ACTORS: Final = """\
actors:
  - class: credential-misuse
    kind: unknown
    evidence:
      - {id: job-in-a-browser, says: a job on screen, strength: claimed, when: "actor.role == 'job' && glob(userAgent, '*Moz*')"}
  - class: attack-tool
    kind: unknown
    evidence:
      - {id: kali, says: a job on Kali, strength: claimed, when: "actor.role == 'job' && glob(userAgent, '*kali*')"}
  - class: anonymous
    kind: unknown
    evidence:
      - {id: no-identity, says: nobody signed the request, strength: attested, when: "userIdentity.type == 'AWSAccount'"}
"""
_BACKUP: Final = """\
actors:
  - class: backup-robot
    after: build-robot
    kind: robot
    evidence:
      - {id: backup-role, says: the role of the backups, strength: attested, when: actor.role == 'backup'}
"""

_BATCH: Final = (
    "actors:\n  - class: batch\n    kind: robot\n    evidence:\n"
    "      - {id: name, says: the session is called batch, strength: claimed, when: actor.session == 'batch'}\n"
)
"""A class by a claim."""

CHECKS: Final = (
    # --- files
    Check(
        "TB101",
        "the file is not YAML",
        "A file that cannot be read says nothing, and what it was to say may be missing unnoticed.",
        "routes: [",
        "routes: []",
    ),
    Check(
        "TB102",
        "the file is larger, deeper or more entangled than a policy may be",
        "A few bytes of YAML can stand for gigabytes; what is bounded cannot stop the linter or the function.",
        "description: " + "[" * 40 + "]" * 40,
        "description: a policy",
    ),
    Check(
        "TB103",
        "a duplicate key in a mapping",
        "Most readers of YAML keep the last one silently, so half of what was written is lost.",
        "description: a\ndescription: b",
        "description: a and b",
    ),
    Check(
        "TB104",
        "a tag, a merge key or an anchor that YAML would act upon",
        "Tags make objects, merge keys hide where a value comes from. `&name` and `*name` alone are fine.",
        "description: !!str a policy",
        "description: a policy",
    ),
    Check(
        "TB105",
        "a plain word that YAML 1.1 reads as something else",
        "`on` becomes true, `012345678901` an octal number, `12:30:45` a number of seconds; nobody sees it happen.",
        "accounts: [012345678901]",
        'accounts: ["012345678901"]',
    ),
    Check(
        "TB106",
        "not UTF-8, or characters that cannot be seen",
        "What cannot be seen cannot be reviewed: a character that turns the text around hides what a route says.",
        "description: safe \u202eefasnu",
        "description: safe",
    ),
    Check("TB107", "no policy could be read", "A set of nothing would watch nothing."),
    Check(
        "TB108",
        "a policy test without an event that can be decided",
        "A test that decides nothing shows nothing.",
        _test("{routes: [example/denied]}").replace("{eventTime: 2026-11-01T00:00:00Z}", "no-such-event.json"),
        _test("{routes: [example/denied]}"),
        tested=True,
    ),
    Check(
        "TB110",
        "the version of the language is missing or unknown",
        "A file says which language it is written in, so that an engine never guesses.",
        "version: 9\nname: example\nowner: team\n",
        "version: 1\nname: example\nowner: team\n",
    ),
    # --- shape
    Check("TB111", "a key that the language does not have", "It would do nothing.", "rutes: []", "routes: []"),
    Check(
        "TB112",
        "a required key is missing",
        "The rest cannot be understood without it.",
        _silence(""),
        _silence(", until: 2026-12-31T00:00:00Z"),
    ),
    Check(
        "TB113",
        "a value of the wrong type",
        "A list where a word is expected, or the other way round.",
        "buckets: payments",
        "buckets: [payments]",
    ),
    Check(
        "TB114",
        "a value that is not allowed",
        "It is none of those that have a meaning, or it has the wrong form.",
        _route("access.denied", "notify: [watch]\n    severity: high"),
        _route("access.denied", "notify: [watch]\n    severity: critical"),
    ),
    # --- expressions
    Check(
        "TB201",
        "an expression that does not compile",
        "JMESPath finds an unknown function only when an event meets it; here it is found before.",
        _route("actor.role = 'nightly'"),
        _route("actor.role == 'nightly'"),
    ),
    Check(
        "TB202",
        "a field that no event has",
        "JMESPath reads a misspelled field as null, so `==` never holds and `!=` always does.",
        _route("userIdentity.tpye == 'Root'"),
        _route("userIdentity.type == 'Root'"),
    ),
    Check(
        "TB203",
        "a word that is read as a field name",
        "`true`, `false` and `null` need backticks in JMESPath.",
        _route("readOnly == true"),
        _route("readOnly == `true`"),
    ),
    Check(
        "TB204",
        "double quotes where a string was meant",
        "In JMESPath double quotes name a field; a string has single quotes.",
        _route("""'actor.role == "nightly"'"""),
        _route("actor.role == 'nightly'"),
    ),
    Check(
        "TB205",
        "a comparison with a value of another type",
        "It is the same for every event: CloudTrail's `readOnly` is a boolean, its `mfaAuthenticated` the text `true`.",
        _route("readOnly == 'true'"),
        _route("readOnly == `true`"),
    ),
    Check(
        "TB206",
        "a value that the field never has",
        "The matcher never holds (or always, with `!=`).",
        _route("eventName == 'GetObjects'"),
        _route("eventName == 'GetObject'"),
    ),
    Check(
        "TB207",
        "a matcher that is never true",
        "A matcher holds only where its result is exactly true; text is not.",
        _route("errorCode"),
        _route("errorCode != `null`"),
    ),
    Check(
        "TB208",
        "an expression that is the same for every event",
        "Two values at once, or one of two that are different.",
        _route("bucket == 'payments' && bucket == 'ledger'"),
        _route("bucket == 'payments' || bucket == 'ledger'"),
    ),
    Check(
        "TB209",
        "a glob in an exact comparison",
        "`==` takes the star for a star.",
        _route("bucket == 'payments-*'"),
        _route("glob(bucket, 'payments-*')"),
    ),
    Check(
        "TB210",
        "a function that fails where the field is absent",
        "A matcher that fails does not hold, and mutes after it are void. `glob`, `regex`, `cidr` and `lower` take null.",
        _route("starts_with(key, 'exports/')"),
        _route("glob(key, 'exports/*')"),
    ),
    Check(
        "TB212",
        "a negation that is read before the dot",
        "JMESPath reads `!a.b` as `(!a).b`, which is always null; a function or parentheses after `!` are read as one means it.",
        _route('"!access.denied && readOnly"'),
        _route('"!(access.denied) && readOnly"'),
    ),
    Check(
        "TB213",
        "an argument of a type that the function refuses",
        "The matcher fails for every event that has the field, and a matcher that fails does not hold.",
        _route("glob(readOnly, 'tr*')"),
        _route("readOnly == `true`"),
    ),
    Check(
        "TB214",
        "a glob with signs of a shell or of a regular expression, or the other way round",
        "In a glob only `*` and `?` mean something: brackets, braces, `|` and `^` stand for themselves. In a regular expression "
        "a `*` repeats what stands before it.",
        _route("glob(key, '{2026,2027}/*')"),
        _route("regex(key, '^(2026|2027)/')"),
    ),
    Check(
        "TB215",
        "a pattern that everything matches",
        "It only tests that the field is there; `FIELD != null`, with null in backticks, says so.",
        _route("glob(actor.role, '*')"),
        _route("actor.role != `null`"),
    ),
    Check(
        "TB216",
        "an event that the set passes over",
        "`events.names` does not have it, so no rule is ever asked about it.",
        "events: {names: [GetObject]}\n" + _route("eventName == 'PutObject'"),
        "events: {names: [GetObject, PutObject]}\n" + _route("eventName == 'PutObject'"),
    ),
    Check(
        "TB217",
        "a text that goes over the end of a line",
        "YAML puts a space where a line ends within a value, so the text has one there that nobody sees. This is a warning.",
        _route("regex(actor.role, '^nightly$|\n      ^hourly$')"),
        _route("regex(actor.role, '^nightly$')\n      || regex(actor.role, '^hourly$')"),
    ),
    # --- references
    Check(
        "TB301",
        "a name that nothing in the set has",
        "Nobody would hear.",
        _route("access.denied", "notify: [wach]"),
        _route("access.denied"),
    ),
    Check(
        "TB302",
        "a name or a section that may stand only once",
        "One of the two would win, and nobody says which.",
        "default: {notify: [watch], masking: strict}",
        "description: the default stands in another file",
    ),
    Check(
        "TB303",
        "no default, which would leave events without a channel",
        "What nobody decided would be lost.",
        _set("{time: keep}").replace("default: {notify: [watch], masking: standard}\n", ""),
        _set("{time: keep}"),
        alone=True,
    ),
    Check(
        "TB304",
        "a route that neither notifies nor mutes, or both",
        "It has to decide one of them.",
        _route("access.denied", "severity: critical"),
        _route("access.denied"),
    ),
    Check(
        "TB306",
        "a masking level weaker than one before it",
        "The order of the levels is their strictness; a channel's floor relies on it.",
        _set("{time: keep, name: mask}\n  - level: strict\n    fields: {time: keep, name: keep}"),
        _set("{time: keep, name: keep}\n  - level: strict\n    fields: {time: keep, name: mask}"),
        alone=True,
    ),
    Check(
        "TB308",
        "an access key shown where the account is hidden",
        "An access key id encodes the account id.",
        _set("{time: keep, account: mask, access_key: keep}"),
        _set("{time: keep, account: mask, access_key: last4}"),
        alone=True,
    ),
    Check(
        "TB309",
        "a channel without a destination, or with more than one",
        "Of two places nobody knows which is used: a channel has one webhook, which is one reference, or one topic.",
        "channels:\n  - {name: x, webhook: {env: SLACK_WEBHOOK_X, parameter: /trailbell/x}}\nroutes:\n"
        "  - {id: r, when: access.denied, notify: [x]}",
        "channels:\n  - {name: x, webhook: {env: SLACK_WEBHOOK_X}}\nroutes:\n  - {id: r, when: access.denied, notify: [x]}",
    ),
    Check(
        "TB310",
        "recurring hours that are none",
        "They would never, or always, hold.",
        _route("access.denied", 'notify: [watch]\n    during: {days: [mon], hours: "09:00-09:00", timezone: UTC}'),
        _route("access.denied", 'notify: [watch]\n    during: {days: [mon], hours: "09:00-17:00", timezone: UTC}'),
    ),
    Check(
        "TB311",
        "a time or time zone that does not exist",
        "It cannot be compared with an event's time.",
        _silence(", until: 2026-12-32T00:00:00Z"),
        _silence(", until: 2026-12-31T00:00:00Z"),
    ),
    Check(
        "TB312",
        "an actor class that contradicts itself",
        "`unknown` is what is left: it has no evidence, and nothing is known of its kind. Evidence decides the class, so it"
        " cannot read `actor.class`, `actor.kind`, `actor.evidence` or `actor.strength`.",
        "actors:\n  - {class: unknown, kind: robot}",
        "actors:\n  - {class: unknown, kind: unknown, emoji: ':question:'}",
    ),
    Check(
        "TB313",
        "a base that cannot be had",
        "What a set extends is part of it. A base is `trailbell/base`, which comes with the engine, or a folder beside that of "
        "the policies; it stands for itself and extends nothing. `replaces`, `trusts`, `before` and `after` need one.",
        _extending("company-base"),
        _extending("trailbell/base"),
        alone=True,
    ),
    Check(
        "TB314",
        "a base of another revision than the set wants",
        "Another engine may bring another base, which may decide otherwise. `trailbell upgrade` shows what would be decided "
        "differently, and writes the new revision. Without `revision` a set takes whichever base there is.",
        _extending("{base: trailbell/base, revision: 'sha256:000000000000'}"),
        _extending("{base: trailbell/base}"),
        alone=True,
    ),
    Check(
        "TB315",
        "a section that holds for every file, in a file that may not say it",
        "One team's file must not deafen the others. In a set with a base, `extends`, `replaces`, `actors`, `masking`, `audit`, "
        "`events` and `account_names` stand in the file with `default`, or in those that it names: `trusts: [payments]`. "
        "In any set, so does a `masking_floor` where the file is neither about some buckets nor about some accounts.",
        "buckets: [payments-*]\nevents: {names: [GetObject]}",
        "buckets: [payments-*]\nroutes:\n  - {id: reads, when: eventName == 'GetObject', notify: [s3-watch]}",
        beside=EXTENDING.replace("trusts: [example]\n", ""),
    ),
    Check(
        "TB316",
        "a channel with a digest and an incident",
        "Both say what becomes of many like messages: a digest within one batch, an incident across batches and invocations.",
        _channel("incident: {window: 1h}, digest: {after: 5, by: [name]}"),
        _channel("incident: {window: 1h}"),
    ),
    Check(
        "TB318",
        "a guarantee that says nothing, or two things",
        "A guarantee is answered as a whole: one thing that always holds, or never does.",
        _guarantee("always: rings, never: muted"),
        _guarantee("never: muted"),
    ),
    Check(
        "TB320",
        "a text whose languages name different fields",
        "Readers of one language would not learn what readers of the other do.",
        _route("access.denied", "notify: [watch]\n    title: {en: 'denied on {bucket}', ja: '拒否されたアクセス'}"),
        _route("access.denied", "notify: [watch]\n    title: {en: 'denied on {bucket}', ja: '{bucket} への拒否されたアクセス'}"),
    ),
    # --- meaning
    Check(
        "TB401",
        "a channel that nothing asks for",
        "Somebody believes to be told.",
        "channels:\n  - {name: unheard, webhook: {env: SLACK_WEBHOOK_X}}",
        "channels:\n  - {name: heard, webhook: {env: SLACK_WEBHOOK_X}}\n" + _route("access.denied", "notify: [heard]"),
    ),
    Check(
        "TB402",
        "a route that an earlier one leaves nothing for",
        "The first route that holds decides; this one never does.",
        "routes:\n  - {id: all, when: access.denied, notify: [watch]}\n"
        "  - {id: some, when: access.denied && readOnly, notify: [watch], severity: critical}",
        "routes:\n  - {id: some, when: access.denied && readOnly, notify: [watch], severity: critical}\n"
        "  - {id: all, when: access.denied, notify: [watch]}",
    ),
    Check(
        "TB403",
        "a continue that leads nowhere",
        "There is no route below.",
        _route("access.denied", "notify: [watch]\n    continue: true"),
        _route("access.denied"),
    ),
    Check(
        "TB404",
        "a mute or silence of everybody, or of everybody unknown",
        "Whoever is not known is whom one wants to hear of.",
        _mute("actor.class == 'unknown'"),
        _mute("actor.role == 'nightly'"),
    ),
    Check(
        "TB405",
        "a mute or silence that does not pin its caller",
        "Each of its branches has to name the caller by something that AWS verified, such as the role. Whoever may assume "
        "a role chooses its session name, any caller its user agent, and an address or a kind of caller is many. docs/"
        "provenance.md says of each field by which test it pins. What is meant for everyone says `everyone: true`.",
        _BATCH + _mute("actor.class == 'batch'"),
        _BATCH + _mute("actor.class == 'batch' && actor.role == 'nightly'"),
    ),
    Check(
        "TB406",
        "a silence that is past",
        "It does nothing any more. The calendar alone fails no build: this is a warning.",
        _silence(", until: 2026-01-31T00:00:00Z"),
        _silence(", until: 2026-12-31T00:00:00Z"),
    ),
    Check(
        "TB407",
        "a silence that lasts too long",
        "A silence of more than 90 days is a mute that nobody reviews.",
        _silence(", until: 2028-01-31T00:00:00Z"),
        _silence(", until: 2026-12-31T00:00:00Z"),
    ),
    Check(
        "TB408",
        "a level below the floor of every channel asked for",
        "The channel's floor applies, so the level that is written never does.",
        _route("access.denied", "notify: [watch]\n    masking: open"),
        _route("access.denied", "notify: [watch]\n    masking: strict"),
    ),
    Check(
        "TB409",
        "a title with a field that its level drops",
        "The title will say (hidden).",
        _route("access.denied", 'notify: [watch]\n    masking: strict\n    title: "{name} was denied"'),
        _route("access.denied", 'notify: [watch]\n    masking: strict\n    title: "{event} was denied"'),
    ),
    Check(
        "TB410",
        "a scope that no bucket can be in",
        "The file would never be asked.",
        "buckets: [Payments_Prod]",
        "buckets: [payments-prod]",
    ),
    Check(
        "TB411",
        "a condition order that keeps a route out of the index",
        "An index cannot find a route by what stands behind a test that may fail, so the route is evaluated for every event.",
        _route("contains(resources[].ARN, 'arn:aws:s3:::old') && actor.role == 'nightly'"),
        _route("actor.role == 'nightly' && contains(resources[].ARN, 'arn:aws:s3:::old')"),
    ),
    Check(
        "TB412",
        "a file of the base is replaced, and what rang by it alone does not ring",
        "A file replaces the base's as a whole, so what it does not take over is lost. To add routes, write a file that replaces "
        "nothing.",
        "replaces: watch\nroutes:\n  - {id: root, when: actor.type == 'Root', notify: [s3-watch]}",
        "routes:\n  - {id: role-of-ours, when: actor.role == 'break-glass', notify: [s3-watch]}",
        beside=EXTENDING,
    ),
    Check(
        "TB413",
        "the base's actor classes are replaced",
        "What a newer engine knows about callers no longer reaches the set, and a class that nothing can mute may be gone.",
        "replaces: actors\n" + _ACTORS,
        _BACKUP,
        beside=EXTENDING,
    ),
    Check(
        "TB414",
        "an incident or a digest that cannot fold",
        "Events are folded where they agree in the fields of `by`. A time, an id or an object's key is another one in nearly "
        "every event; and where `after` is as many messages as Slack takes within `window`, nothing is left to be counted.",
        _channel("incident: {by: [actor, event_id]}"),
        _channel("incident: {by: [actor, event]}"),
    ),
    Check(
        "TB415",
        "two channels with one destination",
        "An event for both is posted twice in one place, and Slack's rate is that of the webhook.",
        _channel("masking_floor: strict").replace("SLACK_WEBHOOK_X", "SLACK_WEBHOOK_URL"),
        _channel("masking_floor: strict"),
    ),
    Check(
        "TB416",
        "a channel that hears of what is critical, and nobody else does while Slack is away",
        "Without `fallback_after` the fallback takes over only where Slack says that the channel is gone. This is a note, in a "
        "set that has another channel.",
        _channel("fallback: watch").replace("notify: [x]", "notify: [x]\n    severity: critical"),
        _channel("fallback: watch, fallback_after: 5m").replace("notify: [x]", "notify: [x]\n    severity: critical"),
    ),
    Check(
        "TB417",
        "an incident in a deployment without the table of deliveries",
        "Nothing remembers then what came before, so an incident is one batch. This is a note, where `trailbell.toml` says "
        "`delivery-table = false` under `[lint]`.",
    ),
    # --- what a file reaches
    Check(
        "TB418",
        "a test for a bucket outside the file's scope",
        "A file is asked about the buckets of its `buckets`, so another one is found only where something is copied out of these "
        "to it. This is a warning.",
        "buckets: [payments-prod]\n" + _route("bucket == 'payment-prod'"),
        "buckets: [payments-prod]\n" + _route("bucket == 'payments-prod' && access.denied"),
    ),
    Check(
        "TB419",
        "a silence that removes nothing",
        "A silence is of its own file: it removes what this file asks for, and nothing that the default or another file asks "
        "for. This is a warning.",
        "silences:\n  - {id: s, when: actor.role == 'mover', reason: work, until: 2026-12-31T00:00:00Z, channels: [watch]}",
        _silence(", until: 2026-12-31T00:00:00Z, channels: [watch]"),
    ),
    Check(
        "TB420",
        "a scope that narrows less than it seems",
        "Only a pattern with three literal characters in a row takes buckets from the default: with others, the default is told "
        "as well. That is a note; an exclusion of what the scope does not have is a warning.",
        'buckets: ["payments-*", "!payment-sandbox"]\n' + _route("access.denied"),
        'buckets: ["payments-*", "!payments-sandbox"]\n' + _route("access.denied"),
    ),
    # --- what a set may rest on
    Check(
        "TB421",
        "evidence that is called attested, and is not",
        "`attested` means that AWS vouches for it: each branch tests who called or how, and nothing that the caller chose. That "
        "there is a role tells nothing. Attested evidence is asked before claimed evidence.",
        _BATCH.replace("claimed", "attested"),
        _BATCH.replace("actor.session == 'batch'", "actor.role == 'batch'").replace("claimed", "attested"),
    ),
    Check(
        "TB422",
        "everyone: true where it is not so, or where it would be every bucket",
        "It says to a reviewer that people and strangers are meant, too, so it stands only where they are, and it needs a bucket "
        "in each branch, or `buckets` of which each pattern has three literal characters.",
        _route("access.kind == 'read'", "mute: a nightly job, OPS-1\n    everyone: true"),
        "buckets: [website]\n" + _route("access.kind == 'read'", "mute: a nightly job, OPS-1\n    everyone: true"),
    ),
    Check(
        "TB423",
        "a mute or silence of which only a part is about other accounts",
        "It holds for callers of other accounts only where it tests `actor.account`. Two rules say which is meant.",
        _mute("actor.role == 'nightly' && (actor.account == '444455556666' || access.kind == 'read')"),
        "buckets: [payments-prod]\nroutes:\n"
        "  - {id: partner, when: actor.role == 'nightly' && actor.account == '444455556666', mute: OPS-1}\n"
        "  - {id: own, when: actor.role == 'nightly' && access.kind == 'read', mute: OPS-1}",
    ),
    Check(
        "TB424",
        "a mute or silence of a service that may act for anyone",
        "A service of AWS does what its customers ask for, and not only you are one. `inScopeOf.sourceAccount` says for whom, "
        "where CloudTrail records it. This is a note.",
        _mute("userIdentity.type == 'AWSService' && actor.service == 'config.amazonaws.com'"),
        _mute(
            "userIdentity.type == 'AWSService' && actor.service == 'config.amazonaws.com' "
            "&& userIdentity.inScopeOf.sourceAccount == '111122223333'"
        ),
    ),
    Check(
        "TB425",
        "a route by claims alone that keeps events from the routes below",
        "The caller may choose what it tests, and so be heard there and nowhere else. This is a warning.",
        "buckets: [payments-prod]\nroutes:\n  - {id: batch, when: actor.session == 'batch', notify: [watch]}\n"
        "  - {id: rest, notify: [watch]}",
        "buckets: [payments-prod]\nroutes:\n  - {id: batch, when: actor.session == 'batch', notify: [watch], continue: true}\n"
        "  - {id: rest, notify: [watch]}",
    ),
    # --- what files do to each other
    Check(
        "TB426",
        "a mute that keeps nobody from hearing",
        "A mute is of its own file, and only one with `buckets` takes buckets from the default. Without these it is only for the "
        "routes below it, and there are none that notify. This is a warning.",
        _route("actor.role == 'nightly'", "mute: a nightly job, OPS-1"),
        _mute("actor.role == 'nightly'"),
    ),
    Check(
        "TB427",
        "buckets of two files, of which one mutes what the other one tells",
        "Each file whose scope holds is asked on its own: the narrower one does not win, and a mute takes back nothing that "
        "another file asks for. This is a note: it may be meant.",
        'buckets: ["payments-*"]\n' + _route("access.denied", "notify: [watch]"),
        'buckets: ["payments-*", "!payments-jobs"]\n' + _route("access.denied", "notify: [watch]"),
        beside=BASE + "buckets: [payments-jobs]\nroutes:\n  - {id: nightly, when: actor.role == 'nightly', mute: OPS-1}\n",
    ),
    Check(
        "TB428",
        "a channel that hears of every event of every bucket",
        "A file without `buckets` is about all of them, and a route without `when` about every event. This is a note, of files "
        "that do not hold the default.",
        "routes:\n  - {id: all, notify: [watch]}",
        "buckets: [payments-prod]\nroutes:\n  - {id: all, notify: [watch]}",
    ),
    Check(
        "TB429",
        "fallbacks that go in a circle",
        "A fallback is not followed further, and channels of Slack are away together. This is a note, in a set that has a topic.",
        _circle("a"),
        _circle("pager"),
    ),
    Check(
        "TB430",
        "a time zone that is an offset",
        "It has no summer time, and `Etc/GMT+9` counts the other way round: it is nine hours behind UTC. This is a warning.",
        _route("access.denied", 'notify: [watch]\n    during: {hours: "09:00-17:00", timezone: Etc/GMT+9}'),
        _route("access.denied", 'notify: [watch]\n    during: {hours: "09:00-17:00", timezone: Asia/Tokyo}'),
    ),
    # --- lists and conditions
    Check(
        "TB431",
        "a list or a condition that nothing uses",
        "Somebody believes that it has an effect.",
        "lists:\n  robots: [payments-nightly]",
        "lists:\n  robots: [payments-nightly]\n" + _route("in_list(actor.role, 'robots')"),
    ),
    Check(
        "TB432",
        "a mute or a silence that rests on a list or a condition of another owner",
        "Whoever edits the other file changes what is muted here, and nobody here is asked. This is a warning.",
        _mute("in_list(actor.role, 'jobs')"),
        "lists:\n  our-jobs: [payments-nightly]\n" + _mute("in_list(actor.role, 'our-jobs')"),
        beside=BASE + "lists:\n  jobs: [nightly-export, glue-nightly]\nroutes:\n"
        "  - {id: jobs, when: \"in_list(actor.role, 'jobs')\", notify: [watch], severity: info}\n",
    ),
    # --- titles
    Check(
        "TB433",
        "a title with something that Slack or another language reads",
        "A title is text: a mention in it mentions nobody, so that no object's name can, and a field stands in braces alone. "
        "This is a warning.",
        _route("access.denied", 'notify: [watch]\n    title: "<!here> {bucket} was read"'),
        _route("access.denied", 'notify: [watch]\n    title: "{bucket} was read"'),
    ),
    # --- guarantees
    Check(
        "TB441",
        "a guarantee that an event breaks",
        "The event is made up, and decided as shown: `trailbell prove` prints it with its message. Either an edit went too far, "
        "or the guarantee promises too much.",
        _guarantee("always: {reaches: [ops]}") + _OPS + _route("access.denied && access.kind == 'read'", "notify: [ops]"),
        _guarantee("always: {reaches: [ops]}") + _OPS + _route("access.denied", "notify: [ops]"),
    ),
    Check(
        "TB442",
        "a guarantee that is neither proved nor broken",
        "The prover does not understand everything that an expression may compute; the finding says what is in the way. Where "
        "python-sat is not installed, it knows nothing at all. This is a warning.",
        "guarantees:\n  - {id: readme, when: lower(key) == 'readme', never: muted}\n"
        + _mute("actor.role == 'nightly' && glob(key, 'archive/*')"),
        "guarantees:\n  - {id: readme, when: \"regex(key, '(?i)^readme$')\", never: muted}\n"
        + _mute("actor.role == 'nightly' && glob(key, 'archive/*')"),
    ),
    Check(
        "TB443",
        "a guarantee that is about no event",
        "It holds for every event since it is about none, so it guards nothing. This is a warning.",
        "guarantees:\n  - {id: root, when: actor.type == 'Root' && actor.role == 'admin', always: rings}\n",
        "guarantees:\n  - {id: root, when: actor.type == 'Root' || actor.role == 'admin', always: rings}\n",
    ),
    # --- secrets
    Check(
        "TB501",
        "a secret in a policy",
        "Pull requests and build logs are read by many, and git forgets nothing.",
        "# https://hooks.slack.com/services" + "/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "# the webhook is in the secret trailbell/slack",
    ),
    Check(
        "TB502",
        "an account id in a policy test that may be real",
        "What is copied for a test stays in git. Ids of documentation are 123456789012 and those of three blocks: 111122223333.",
        _test("{routes: [example/denied]}", ", recipientAccountId: '314159265358'"),
        _test("{routes: [example/denied]}", ", recipientAccountId: '111122223333'"),
        tested=True,
    ),
    Check(
        "TB503",
        "a public address in a policy test",
        "It is somebody's. For documentation there are 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32.",
        _test("{routes: [example/denied]}", ", sourceIPAddress: 9.9.9.9"),
        _test("{routes: [example/denied]}", ", sourceIPAddress: 203.0.113.9"),
        tested=True,
    ),
    Check(
        "TB504",
        "an e-mail address in a policy test",
        "It is somebody's. For documentation there are example.com, example.org, example.net and names that end in .example.",
        _test("{routes: [example/denied]}", ", userIdentity: {userName: ann@trailbell.dev}"),
        _test("{routes: [example/denied]}", ", userIdentity: {userName: ann@example.com}"),
        tested=True,
    ),
    # --- policy tests
    Check(
        "TB601",
        "a route, an evidence or a silence that no policy test names",
        "Nothing says what it is for, and nobody notices when it stops. `trailbell test` says what was seen to hold.",
        _test("{defaulted: true}"),
        _test("{routes: [example/denied]}"),
        tested=True,
    ),
    Check(
        "TB602",
        "a policy test that names what does not exist",
        "It cannot pass, or passes for another reason than it says.",
        _test("{routes: [example/denied], mutes: [example/nightly]}"),
        _test("{routes: [example/denied], mutes: []}"),
        tested=True,
    ),
    Check(
        "TB603",
        "a policy test that expects events to be counted where none are",
        "Only a channel with `incident` counts events. A digest is of one batch, and each event of a test comes in its own.",
        _test("{routes: [example/denied], counted: {watch: 9}}"),
        _test("{routes: [example/denied], posts: {watch: 1}}"),
        tested=True,
    ),
    # --- allowances
    Check(
        "TB701",
        "an allowance that cannot be read",
        "It must name the code and give a reason, so that the next reader knows what was meant.",
        "# trailbell: allow TB406",
        _route("access.denied") + "silences:\n  # trailbell: allow TB406, kept as an example\n"
        "  - {id: s, when: actor.role == 'mover', reason: work, until: 2026-01-31T00:00:00Z}",
    ),
    Check(
        "TB702",
        "an allowance that allows nothing",
        "What it was for is mended, or it is over; it would hide the next mistake.",
        "# trailbell: allow TB406, no longer needed\nroutes: []",
        "routes: []",
    ),
)

INTERNAL: Final = "TB900"
"""A check that broke; it has no page, and the exit code is 3."""

CODES: Final = frozenset(check.code for check in CHECKS)
"""Every code that an allowance may name."""

BY_CODE: Final = {check.code: check for check in CHECKS}


def page(check: Check) -> str:
    """The documentation page of one code, in Markdown."""
    parts = [f"# {check.code}: {check.what}", "", check.why]
    for title, example in (("Refused", check.bad), ("Instead", check.good)):
        if example:
            shown = example if example.isprintable() or example.isascii() else repr(example)
            parts += ["", f"{title}:", "", "```yaml", shown.rstrip("\n"), "```"]
    return "\n".join([*parts, ""])


def files(check: Check, example: str) -> dict[str, str]:
    """The set that an example makes: its files' texts by path."""
    text = TESTED if check.tested else example if example.startswith("version:") else HEADER + example
    return {"example.yaml": text} if check.alone else {"base.yaml": check.beside, "example.yaml": text}


def cases(check: Check, example: str) -> dict[str, str]:
    """The files of policy tests that an example makes, by path."""
    return {"tests.yaml": example} if check.tested else {}
