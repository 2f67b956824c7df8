"""Webhook URLs and the hash key: where they may be, how long they are believed, and that no text holds them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from engine.edge.circuit_breaker import OPEN_SECONDS
from engine.edge.secrets import MAX_AGE_SECONDS, Secrets, random_key
from engine.errors import HashKeyError, WebhookError
from engine.model import WebhookRef

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://hooks.slack.com/services/T0/B0/verysecret"
ENV = WebhookRef(env="SLACK_WEBHOOK_URL")
SECRET = WebhookRef(secret="trailbell/slack", key="watch")  # noqa: S106  a name
PARAMETER = WebhookRef(parameter="/trailbell/watch")


class Aws:
    """Clients of a simulated AWS, counted."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.time = 0.0

    def client(self, service: str) -> Any:
        """A boto3 client."""
        self.made.append(service)
        return boto3.client(service)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in {"ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        yield Aws()


def of(environment: dict[str, str], aws: Aws | None = None) -> Secrets:
    world = aws or Aws()
    return Secrets(environment, world.client, lambda: world.time)


def put(text: str, name: str = "trailbell/slack") -> None:
    client = boto3.client("secretsmanager")
    try:
        client.create_secret(Name=name, SecretString=text)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=name, SecretString=text)


def refused(text: str, hosts: str = "") -> str:
    with pytest.raises(WebhookError) as raised:
        of({"SLACK_WEBHOOK_URL": text, "TRAILBELL_WEBHOOK_HOSTS": hosts}).webhook(ENV)
    assert not raised.value.passing
    assert "verysecret" not in str(raised.value)
    assert raised.value.__cause__ is None
    return str(raised.value)


# --- where from --------------------------------------------------------------------------------------------------------------


def test_a_variable_needs_no_aws() -> None:
    world = Aws()
    assert of({"SLACK_WEBHOOK_URL": f" {URL}\n"}, world).webhook(ENV) == URL
    assert world.made == []


def test_a_variable_that_is_not_set_is_named() -> None:
    assert refused("") == "the variable SLACK_WEBHOOK_URL is not set"


def test_a_secret_is_read_by_its_key(aws: Aws) -> None:
    put(json.dumps({"watch": URL}))
    assert of({}, aws).webhook(SECRET) == URL


def test_a_secret_without_a_key_is_the_url(aws: Aws) -> None:
    put(URL)
    assert of({}, aws).webhook(WebhookRef(secret="trailbell/slack")) == URL  # noqa: S106  a name


def test_a_parameter_is_decrypted(aws: Aws) -> None:
    boto3.client("ssm").put_parameter(Name="/trailbell/watch", Value=URL, Type="SecureString")
    assert of({}, aws).webhook(PARAMETER) == URL


def test_what_was_read_is_believed_for_a_quarter_of_an_hour(aws: Aws) -> None:
    put(json.dumps({"watch": URL}))
    secrets = of({}, aws)
    secrets.webhook(SECRET)
    put(json.dumps({"watch": URL + "2"}))
    assert secrets.webhook(SECRET) == URL
    aws.time = MAX_AGE_SECONDS + 1
    assert secrets.webhook(SECRET) == URL + "2"


def test_one_secret_with_two_keys_is_read_once(aws: Aws) -> None:
    put(json.dumps({"watch": URL, "ops": URL + "ops"}))
    secrets = of({}, aws)
    secrets.webhook(SECRET)
    assert secrets.webhook(WebhookRef(secret="trailbell/slack", key="ops")) == URL + "ops"  # noqa: S106  a name
    assert aws.made == ["secretsmanager"]


def test_fresh_reads_past_what_is_kept(aws: Aws) -> None:
    put(json.dumps({"watch": URL}))
    secrets = of({}, aws)
    secrets.webhook(SECRET)
    put(json.dumps({"watch": URL + "2"}))
    assert secrets.webhook(SECRET, fresh=True) == URL + "2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "the secret trailbell/slack cannot be read (ResourceNotFoundException)"),
        ("verysecret", "the secret trailbell/slack is not JSON, so it has no key watch"),
        ('{"other": "verysecret"}', "the secret trailbell/slack has no text under the key watch"),
        ('["verysecret"]', "the secret trailbell/slack has no text under the key watch"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_without_its_content(aws: Aws, text: str | None, says: str) -> None:
    if text is not None:
        put(text)
    with pytest.raises(WebhookError) as raised:
        of({}, aws).webhook(SECRET)
    assert (str(raised.value), raised.value.passing) == (says, False)


def test_an_aws_that_cannot_be_reached_is_passing() -> None:
    def offline(service: str) -> Any:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        from botocore.config import Config  # noqa: PLC0415

        once = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
        return boto3.client(service, endpoint_url="http://127.0.0.1:9", region_name="eu-west-1", config=once, **keys)

    with pytest.raises(WebhookError) as raised:
        Secrets({}, offline).webhook(SECRET)
    assert raised.value.passing


def test_where_aws_does_not_answer_for_one_secret_no_other_is_asked_for_in_vain() -> None:
    world = Aws()
    asked: list[str] = []

    class Hangs:
        def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803  boto3's name
            asked.append(SecretId)
            world.time += 4.0
            raise ReadTimeoutError(endpoint_url="https://secretsmanager.eu-west-1.amazonaws.com")

    secrets = Secrets({"SLACK_WEBHOOK_URL": URL}, lambda _: Hangs(), lambda: world.time)
    refs = [WebhookRef(secret=f"trailbell/{number % 3}", key=str(number)) for number in range(6)]
    for ref in refs:
        with pytest.raises(WebhookError) as raised:
            secrets.webhook(ref)
        assert raised.value.passing
        assert str(raised.value) == f"the secret {ref.secret} cannot be read (ReadTimeoutError)"
    assert secrets.webhook(ENV) == URL
    assert asked == ["trailbell/0"]
    world.time += OPEN_SECONDS
    with pytest.raises(WebhookError):
        secrets.webhook(refs[1], fresh=True)
    assert asked == ["trailbell/0", "trailbell/1"]


# --- where to ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://hooks.slack.com/services/verysecret", "is not https"),
        ("https://example.com/verysecret", "is on a host that is neither hooks.slack.com nor named in TRAILBELL_WEBHOOK_HOSTS"),
        ("https://hooks.slack.com.example.com/verysecret", "neither"),
        ("https://hooks.slack.com@example.com/verysecret", "neither"),
        ("https://hooks.slack.com:8443/verysecret", "neither"),
        ("https://user:verysecret@hooks.slack.com/x", "is not a plain URL"),
        ("https://hooks.slack.com", "has no path"),
        ("https://hooks.slack.com/a verysecret", "is not a plain URL"),
        ("https://[verysecret/x", "is not a URL"),
        ("ftp://hooks.slack.com/verysecret", "is not https"),
        ("verysecret", "neither"),
    ],
)
def test_a_url_that_may_not_be_posted_to_is_refused(url: str, says: str) -> None:
    assert says in refused(url)


def test_whoever_deploys_may_name_more_hosts() -> None:
    hosts = "proxy.example.com, other.example.com:8443"
    for url in ("https://proxy.example.com/x", "https://other.example.com:8443/x"):
        assert of({"SLACK_WEBHOOK_URL": url, "TRAILBELL_WEBHOOK_HOSTS": hosts}).webhook(ENV) == url
    refused("http://proxy.example.com/x", hosts)
    refused("https://other.example.com/x", hosts)


def test_plain_http_is_for_loopback_alone() -> None:
    for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080"):
        url = f"http://{host}/x"
        name = host.replace("[", "").replace("]", "")
        assert of({"SLACK_WEBHOOK_URL": url, "TRAILBELL_WEBHOOK_HOSTS": name}).webhook(ENV) == url


def test_nothing_of_what_is_kept_stands_in_the_repr(aws: Aws) -> None:
    put(json.dumps({"watch": URL}))
    secrets = of({"SLACK_WEBHOOK_URL": URL}, aws)
    secrets.webhook(SECRET)
    assert "verysecret" not in repr(secrets)


# --- the hash key ---------------------------------------------------------------------------------------------------------------


def test_the_hash_key_has_an_epoch_and_at_least_32_bytes(aws: Aws) -> None:
    put(json.dumps({"epoch": "7", "key": base64.b64encode(bytes(32)).decode()}), "trailbell/hash-key")
    key = of({"TRAILBELL_HASH_KEY_SECRET": "trailbell/hash-key"}, aws).hash_key()
    assert key is not None
    assert (key.epoch, key.secret) == ("7", bytes(32))
    assert "secret" not in repr(key)


def test_without_a_name_there_is_no_hash_key() -> None:
    assert of({}).hash_key() is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("verysecret", "is not of the shape"),
        ("[]", "is not of the shape"),
        ('{"epoch": "1", "key": "verysecret!"}', "is not of the shape"),
        ('{"epoch": "1", "key": "dmVyeXNlY3JldA=="}', "has 10 bytes; 32 are the least"),
        (json.dumps({"epoch": "a:b", "key": base64.b64encode(bytes(32)).decode()}), "letters and digits only"),
    ],
)
def test_a_hash_key_that_cannot_be_used_is_refused(aws: Aws, text: str, says: str) -> None:
    put(text, "trailbell/hash-key")
    with pytest.raises(HashKeyError, match=says) as raised:
        of({"TRAILBELL_HASH_KEY_SECRET": "trailbell/hash-key"}, aws).hash_key()
    assert "verysecret" not in str(raised.value)


def test_the_command_line_has_a_key_of_its_own_each_time() -> None:
    assert random_key().epoch == "~"
    assert random_key().secret != random_key().secret
