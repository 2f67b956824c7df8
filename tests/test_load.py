"""What is said about a policy set that is wrong: where, what, and what to write instead; one finding for one mistake."""

# ruff: noqa: E501  a finding is one line, as it is printed
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PolicySetError
from engine.model import PolicySet
from engine.policy.load import LARGEST_EVENT, check, load, read, read_event
from engine.policy.source import parse_source

ROOT = Path(__file__).parent.parent

SOUND = """version: 1
name: payments
owner: team-payments
description: Who reads the payments buckets.
buckets: ["payments-*", ledger]
accounts: ["111122223333"]
masking_floor: standard
channels:
  - name: watch
    webhook: {env: SLACK_WEBHOOK_URL}
    fallback: ops
    timezone: Asia/Tokyo
    digest: {after: 5, by: [name, bucket]}
  - name: ops
    webhook: {secret: trailbell/slack, key: ops}
masking:
  - level: standard
    fields: {time: keep, source_ip: network, access_key: last4, account: mask, name: keep}
  - level: strict
    fields: {time: keep, source_ip: drop}
actors:
  - class: ecs-robot
    kind: robot
    evidence:
      - id: task
        says: the session is a task's
        strength: claimed
        when: regex(actor.session, '^[0-9a-f]{32}$')
default: {notify: [watch], masking: standard}
routes:
  - id: nightly
    when: actor.role == 'nightly'
    mute: reconciliation job
  - id: people
    when: ["actor.kind == 'person'", "!(access.denied)"]
    notify: [watch]
    masking: strict
    severity: critical
    continue: true
  - id: night
    during: {days: [mon-fri], hours: "20:00-07:00", timezone: Asia/Tokyo}
    notify: [ops]
silences:
  - id: migration
    when: actor.role == 'migrator'
    until: 2027-01-31T00:00:00Z
    reason: bucket migration
    channels: [watch]
"""

MISTAKES: list[tuple[str, str, list[str]]] = [
    (
        "version: 1\n",
        "",
        ["p.yaml:1:1: the version of the language is missing; start with version: 1 (this engine reads 1) [TB110]"],
    ),
    (
        "version: 1",
        "version: 2",
        ["p.yaml:1:10: version 2 of the language is not known; this engine reads 1, written as a plain number [TB110]"],
    ),
    (
        "version: 1",
        'version: "1"',
        ["p.yaml:1:10: version '1' of the language is not known; this engine reads 1, written as a plain number [TB110]"],
    ),
    (
        "name: payments",
        "name: Payments",
        ["p.yaml:2:7: name: 'Payments' has the wrong form; such as payments-prod: lower case, digits and single dashes [TB114]"],
    ),
    ("owner: team-payments\n", "", ["p.yaml:1:1: owner is missing; add owner: the team that answers for this file [TB112]"]),
    ("owner:", "ownr:", ["p.yaml:3:1: there is no key 'ownr' here; did you mean owner? [TB111]"]),
    (
        '["111122223333"]',
        "[111122223333]",
        ["p.yaml:6:12: accounts: expected text, got '111122223333' (a number); quote it: \"111122223333\" [TB113]"],
    ),
    (
        '["111122223333"]',
        '["11112222333"]',
        [
            "p.yaml:6:12: accounts: '11112222333' has the wrong form; such as \"111122223333\": twelve digits in quotes, or an alias of account_names [TB114]"
        ],
    ),
    (
        "masking_floor: standard",
        "masking_floor: standrd",
        ["p.yaml:7:16: there is no masking level standrd; did you mean standard? [TB301]"],
    ),
    ("fallback: ops", "fallback: opps", ["p.yaml:11:15: there is no channel opps; did you mean ops? [TB301]"]),
    ("fallback: ops", "fallback: watch", ["p.yaml:11:15: a channel cannot be its own fallback; name another channel [TB301]"]),
    (
        "Asia/Tokyo\n    digest",
        "Asia/Tokio\n    digest",
        ["p.yaml:12:15: there is no time zone 'Asia/Tokio'; write an IANA name such as Asia/Tokyo or UTC [TB311]"],
    ),
    (
        "by: [name, bucket]",
        "by: [name, buket]",
        ["p.yaml:13:35: by: 'buket' (text) is not one of the allowed values; did you mean bucket? [TB114]"],
    ),
    (
        "after: 5",
        "after: five",
        [
            "p.yaml:13:21: after: expected a whole number, got 'five' (text); the schema describes the key; an editor shows the description at the key [TB113]"
        ],
    ),
    ("after: 5", "after: -1", ["p.yaml:13:21: after: this is too small; write at least 0 [TB114]"]),
    (
        "{env: SLACK_WEBHOOK_URL}",
        "{env: WEBHOOK}",
        ["p.yaml:10:20: env: 'WEBHOOK' has the wrong form; such as SLACK_WEBHOOK_URL [TB114]"],
    ),
    (
        "{env: SLACK_WEBHOOK_URL}",
        "{env: SLACK_WEBHOOK_URL, secret: trailbell/x}",
        ["p.yaml:10:14: a webhook is one reference; write one of env, secret (with or without key) and parameter [TB309]"],
    ),
    (
        "{env: SLACK_WEBHOOK_URL}",
        "https://hooks.slack.com/services/x",
        [
            "p.yaml:10:14: webhook: expected a mapping, got a webhook's URL (text); keep the URL in an environment variable or a secret, and name that: {env: SLACK_WEBHOOK_URL} [TB113]"
        ],
    ),
    (
        "trailbell/slack, key",
        "other/slack, key",
        ["p.yaml:15:23: secret: 'other/slack' has the wrong form; such as trailbell/slack [TB114]"],
    ),
    (
        "source_ip: network,",
        "source_ip: netwrk,",
        ["p.yaml:18:37: source_ip: 'netwrk' (text) is not one of the allowed values; did you mean network? [TB114]"],
    ),
    (
        "source_ip: network,",
        "source_ip: last4,",
        [
            "p.yaml:18:37: source_ip: 'last4' (text) is not one of the allowed values; there is: keep, mask, network, hash, drop [TB114]"
        ],
    ),
    (
        "source_ip: network,",
        "sourceip: network,",
        ["p.yaml:18:26: there is no key 'sourceip' here; did you mean source_ip? [TB111]"],
    ),
    (
        "access_key: last4",
        "access_key: keep",
        [
            "p.yaml:18:58: the access key shows the account, which this level hides; write access_key: last4, or account: keep [TB308]"
        ],
    ),
    (
        "source_ip: drop",
        "source_ip: keep",
        [
            "p.yaml:20:37: source_ip is weaker here than in the level standard before it (network); order levels from least strict to strictest [TB306]"
        ],
    ),
    (
        "level: strict",
        "level: standard",
        ["p.yaml:19:12: duplicate level standard; rename one; the other is at p.yaml:17:12 [TB302]"],
    ),
    ("level: standard\n", "level: open\n", ["p.yaml:17:12: the level open is built in; name it otherwise [TB302]"]),
    (
        "kind: robot",
        "kind: robots",
        ["p.yaml:23:11: kind: 'robots' (text) is not one of the allowed values; did you mean robot? [TB114]"],
    ),
    (
        "strength: claimed",
        "strength: sure",
        ["p.yaml:27:19: strength: 'sure' (text) is not one of the allowed values; there is: attested, claimed [TB114]"],
    ),
    (
        "        says: the session is a task's\n",
        "",
        [
            "p.yaml:25:9: says is missing; add says: a true sentence without a full stop, for the message; placeholders are message fields in braces, always masked and escaped [TB112]"
        ],
    ),
    (
        "'^[0-9a-f]{32}$'",
        "'^[0-9a-f{32}$'",
        ["p.yaml:28:36: RE2 does not take this regular expression: missing ]: [0-9a-f{32}$ [TB201]"],
    ),
    (
        "regex(actor.session",
        "regexp(actor.session",
        ["p.yaml:28:15: there is no function regexp(); did you mean regex()? [TB201]"],
    ),
    (
        "regex(actor.session, '^[0-9a-f]{32}$')",
        "regex(actor.session)",
        ["p.yaml:28:15: regex() takes 2 arguments, not 1 [TB201]"],
    ),
    (
        "default: {notify: [watch], masking: standard}\n",
        "",
        [
            "p.yaml:1:1: no file says where events go that no policy decided; add to one file: default: {notify: [CHANNEL], masking: standard} [TB303]"
        ],
    ),
    (
        "notify: [watch], masking: standard",
        "notify: [wach], masking: standard",
        ["p.yaml:29:20: there is no channel wach; did you mean watch? [TB301]"],
    ),
    (
        "masking: standard}\nroutes",
        "masking: strct}\nroutes",
        ["p.yaml:29:37: there is no masking level strct; did you mean strict? [TB301]"],
    ),
    (
        "actor.role == 'nightly'",
        "actor.role = 'nightly'",
        ["p.yaml:32:22: `=` is not an operator; write == [TB201]"],
    ),
    ("actor.role == 'nightly'", "actor.role == 'nightly", ["p.yaml:32:25: `'` is opened here and never closed [TB201]"]),
    (
        "    mute: reconciliation job\n",
        "",
        ["p.yaml:31:9: the route neither notifies nor mutes; add notify: [CHANNEL], or mute: REASON [TB304]"],
    ),
    (
        "mute: reconciliation job",
        "mute: ",
        ["p.yaml:33:10: mute: expected text, got nothing; write the reason: mute: a nightly job, OPS-1 [TB113]"],
    ),
    (
        "mute: reconciliation job",
        "mute: true",
        ["p.yaml:33:11: mute: expected text, got true (true or false); write the reason: mute: a nightly job, OPS-1 [TB113]"],
    ),
    (
        "mute: reconciliation job",
        "mute: reconciliation job\n    notify: [watch]",
        ["p.yaml:33:5: a route cannot both notify and mute; make two routes of it [TB304]"],
    ),
    (
        "mute: reconciliation job",
        "mute: reconciliation job\n    continue: true",
        ["p.yaml:34:5: a mute ends its policy, so it cannot continue; delete continue [TB304]"],
    ),
    (
        "id: people",
        "id: nightly",
        ["p.yaml:34:9: duplicate route nightly; rename one; the other is at p.yaml:31:9 [TB302]"],
    ),
    (
        "severity: critical",
        "severity: high",
        ["p.yaml:38:15: severity: 'high' (text) is not one of the allowed values; there is: info, warning, critical [TB114]"],
    ),
    (
        "continue: true",
        "continue: yes",
        ['p.yaml:39:15: YAML 1.1 reads yes as something else; write "yes" for the text, or true [TB105]'],
    ),
    (
        "notify: [watch]\n    masking: strict",
        "notify: watch\n    masking: strict",
        ["p.yaml:36:13: notify: expected a list, got 'watch' (text); write a list: [watch] [TB113]"],
    ),
    ("masking: strict\n", "masking: stict\n", ["p.yaml:37:14: there is no masking level stict; did you mean strict? [TB301]"]),
    ("[mon-fri]", "[mon-friday]", ["p.yaml:41:21: days: 'mon-friday' has the wrong form; such as mon, or mon-fri [TB114]"]),
    ('"20:00-07:00"', '"20-7"', ["p.yaml:41:38: hours: '20-7' has the wrong form; such as 20:00-07:00 [TB114]"]),
    ('"20:00-07:00"', '"25:00-07:00"', ["p.yaml:41:38: hours: '25:00-07:00' has the wrong form; such as 20:00-07:00 [TB114]"]),
    (
        '"20:00-07:00"',
        '"20:00-20:00"',
        ["p.yaml:41:38: these hours are none: they end as they start; leave hours out for the whole day [TB310]"],
    ),
    (
        "timezone: Asia/Tokyo}",
        "timezone: JST9}",
        ["p.yaml:41:63: there is no time zone 'JST9'; write an IANA name such as Asia/Tokyo or UTC [TB311]"],
    ),
    ("    until: 2027-01-31T00:00:00Z\n", "", ["p.yaml:44:5: until is missing; add until: its end, with a zone [TB112]"]),
    (
        "2027-01-31T00:00:00Z",
        "2027-02-31T00:00:00Z",
        ["p.yaml:46:12: '2027-02-31T00:00:00Z' is not a time; such as 2027-01-31T00:00:00Z [TB311]"],
    ),
    ("2027-01-31T00:00:00Z", "2027-01-31", ["p.yaml:46:12: the time has no zone; write 2027-01-31T00:00:00Z [TB311]"]),
    ("2027-01-31T00:00:00Z", "tomorrow", ["p.yaml:46:12: 'tomorrow' is not a time; such as 2027-01-31T00:00:00Z [TB311]"]),
    (
        "    reason: bucket migration\n",
        "",
        ["p.yaml:44:5: reason is missing; add reason: why; it stands in the audit record [TB112]"],
    ),
    ("channels: [watch]", "channels: [watc]", ["p.yaml:48:16: there is no channel watc; did you mean watch? [TB301]"]),
    ("silences:\n", "silenced:\n", ["p.yaml:43:1: there is no key 'silenced' here; did you mean silences? [TB111]"]),
    (
        "name: payments\n",
        "name: payments\nname: payments\n",
        ["p.yaml:3:1: duplicate key name; the first is in line 2; keep one of them [TB103]"],
    ),
    (
        "owner: team-payments",
        "owner: !!str team",
        ["p.yaml:3:8: YAML reads tag:yaml.org,2002:str as a tag; delete the tag [TB104]"],
    ),
    (
        "owner: team-payments",
        "owner: on",
        ['p.yaml:3:8: YAML 1.1 reads on as something else; write "on" for the text, or true [TB105]'],
    ),
    (
        "  - id: nightly",
        "  - id: nightly\n   bad",
        [
            "p.yaml:32:4: this is not YAML: did not find expected '-' indicator; look for a missing quote, bracket or indent before it [TB101]"
        ],
    ),
    (
        "severity: critical",
        "runbook: http://wiki.example.com/x",
        ["p.yaml:38:14: runbook: 'http://wiki.example.com/x' has the wrong form; such as https://wiki.example.com/page [TB114]"],
    ),
    ("severity: critical", 'title: "{nme} read"', ["p.yaml:38:13: there is no message field 'nme'; did you mean name? [TB301]"]),
    (
        "description: Who",
        "events: {select: s3}\ndescription: Who",
        ["p.yaml:4:18: select: 's3' (text) is not one of the allowed values; there is: s3-data, all [TB114]"],
    ),
    (
        "description: Who",
        "audit: {masking: opn}\ndescription: Who",
        ["p.yaml:4:18: there is no masking level opn; did you mean open? [TB301]"],
    ),
    (
        "description: Who",
        "description: [Who",
        ["p.yaml:4:14: this bracket is never closed; close it with ] [TB101]"],
    ),
    ("accounts:", "acounts:", ["p.yaml:6:1: there is no key 'acounts' here; did you mean accounts? [TB111]"]),
    (
        'buckets: ["payments-*", ledger]',
        "buckets: payments",
        ["p.yaml:5:10: buckets: expected a list, got 'payments' (text); write a list: [payments] [TB113]"],
    ),
    (
        '["payments-*", ledger]',
        "[]",
        ["p.yaml:5:10: buckets: this is too short; write at least 1 of them [TB114]"],
    ),
    (
        "nightly'\n",
        "nightly'\n    during: {days: [mon]}\n",
        [
            "p.yaml:33:14: timezone is missing; add timezone: an IANA time zone [TB112]",
        ],
    ),
]
"""What is replaced in `SOUND`, by what, and every finding that follows. (The last has two keys missing.)"""


def found(*texts: str) -> list[str]:
    """The findings of the files p.yaml, q.yaml and so on."""
    sources = [parse_source(text.encode(), f"{name}.yaml") for name, text in zip("pqrs", texts, strict=False)]
    return [finding.line for finding in check(sources)[1]]


def test_a_sound_set_has_no_findings() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize(("before", "after", "lines"), MISTAKES)
def test_a_mistake_is_said_at_its_place(before: str, after: str, lines: list[str]) -> None:
    assert before in SOUND
    assert found(SOUND.replace(before, after, 1)) == lines


def test_every_policy_needs_its_own_name_and_shares_what_may_stand_once() -> None:
    other = "version: 1\nname: payments\nowner: a\ndefault: {notify: [ops], masking: open}\n"
    assert found(SOUND, other) == [
        "q.yaml:2:7: duplicate policy payments; rename one; the other is at p.yaml:2:7 [TB302]",
        "q.yaml:4:1: default may stand in one file only; keep one; the other is at p.yaml:29:1 [TB302]",
    ]


def test_names_are_found_across_files() -> None:
    assert found(SOUND, "version: 1\nname: other\nowner: a\nroutes:\n  - {id: r, notify: [ops], masking: strict}\n") == []


def test_a_broken_file_does_not_hide_what_is_wrong_with_its_neighbour() -> None:
    lines = found("version: 1\nname: [", SOUND.replace("severity: critical", "severity: high"))
    assert [line.split(":")[0] for line in lines] == ["p.yaml", "q.yaml"]


def test_a_webhook_in_a_policy_is_not_repeated_in_the_finding() -> None:
    for text in ("https://hooks.slack.com/services/T0/B0/verysecret", "{env: https://hooks.slack.com/services/T0/B0/verysecret}"):
        lines = found(SOUND.replace("{env: SLACK_WEBHOOK_URL}", text))
        assert lines
        assert "verysecret" not in "".join(lines)


# --- from folders ------------------------------------------------------------------------------------------------------------


def said(path: Path) -> str:
    with pytest.raises(PolicySetError) as raised:
        load(path)
    return str(raised.value)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "there is no such folder; give the path of the folder that holds the files [TB107]" in said(tmp_path / "none")


def test_a_folder_without_policies_is_said(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("nothing", encoding="utf-8")
    assert "no .yaml or .yml file in it" in said(tmp_path)


def test_files_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/x.yml", "a.yaml", "c.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"version: 1\nname: {Path(name).stem}\nowner: a\n", encoding="utf-8")
    assert [Path(source.path).name for source in read(tmp_path)] == ["a.yaml", "x.yml", "c.yaml"]


def test_a_link_leads_to_a_file_of_the_set_and_to_no_other(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (tmp_path / "credentials").write_text("[default]\naws_secret_access_key = EXAMPLEKEY\n", encoding="utf-8")
    (policies / "team.yaml").symlink_to("../credentials")
    assert "team.yaml:1:1: a link leads out of the folder; put the file itself here [TB107]" in said(policies)
    assert "EXAMPLEKEY" not in str(read(policies))
    (policies / "team.yaml").unlink()
    (policies / "..data").write_text("version: 1\nname: a\nowner: a\n", encoding="utf-8")
    (policies / "team.yaml").symlink_to("..data")
    (tmp_path / "mounted").symlink_to("policies")
    assert [source.findings for source in read(tmp_path / "mounted")] == [()]


def test_of_an_event_file_no_more_is_read_than_an_event_has(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_bytes(b"{" + b" " * LARGEST_EVENT + b"}")
    for endless in (Path("/dev/zero"), tmp_path / "large.json"):
        assert read_event(endless) == ({}, "it is not JSON of a size that an event has")


@pytest.mark.parametrize(
    ("buckets", "anchored"),
    [
        ('["payments-*"]', True),
        ("[abc]", True),
        ('["a*b?cde*"]', True),
        ('["*a*e*s*"]', False),
        ('["*"]', False),
        ('["ab*"]', False),
        ('["payments-*", "?*"]', False),
    ],
)
def test_a_scope_takes_the_defaults_place_where_each_pattern_demands_three_characters_in_a_row(
    tmp_path: Path, buckets: str, *, anchored: bool
) -> None:
    (tmp_path / "p.yaml").write_text(SOUND.replace('["payments-*", ledger]', buckets), encoding="utf-8")
    assert load(tmp_path).policies[0].anchored is anchored


@pytest.mark.parametrize("folder", ["tests/base/policies", "examples/tour/policies"])
def test_the_shipped_sets_load(folder: str) -> None:
    assert isinstance(load(ROOT / folder), PolicySet)


# --- whatever comes -------------------------------------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        *(line + "\n" for line in SOUND.splitlines()),
        *(
            "[",
            "]",
            "{",
            "}",
            ": ",
            "- ",
            "&a ",
            "*a ",
            "!!x ",
            "|\n",
            ">\n",
            "'",
            '"',
            "\t",
            "\0",
            "---\n",
            "...\n",
            "? ",
            "<<: ",
            "012",
        ),
    ]
)


@given(st.lists(pieces, max_size=60))
def test_no_text_breaks_the_checks(parts: list[str]) -> None:
    source = parse_source("".join(parts).encode(), "p.yaml")
    policies, findings = check([source])
    assert (policies is None) == any(finding.severity.value == "error" for finding in findings)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_checks(content: bytes) -> None:
    _, findings = check([parse_source(content, "p.yaml")])
    assert findings


@given(st.integers(0, len(SOUND) - 1), st.sampled_from(["", " ", "\n", ":", "x", "'", "[", "\u202e", "\x07"]))
def test_one_wrong_character_is_found_or_harmless(place: int, character: str) -> None:
    policies, findings = check([parse_source((SOUND[:place] + character + SOUND[place + 1 :]).encode(), "p.yaml")])
    assert (policies is None) == bool(findings)
