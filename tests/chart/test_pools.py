"""Pools of workers, each with a size, a provider and optionally a dedicated channel."""

from typing import Any

import pytest

from chart.rendering import Manifest, render
from leopard.broker.queues import PERSONALIZED, SENDS, SENDS_OF
from leopard.domain.statuses import Channel

KEDA: dict[str, Any] = {
    "rabbitmq": {"management": {"url": "http://rabbitmq:15672", "existingSecret": {"name": "management"}}},
    "database": {"maxConnections": 1000},
}


def pools(*given: dict[str, Any], **common: Any) -> list[Manifest]:
    return render({**KEDA, "senderWorker": {"keda": {"enabled": True}, "pools": list(given), **common}})


def settings(manifests: list[Manifest], component: str) -> dict[str, str]:
    [found] = [
        dict(one["data"])
        for one in manifests
        if one["kind"] == "ConfigMap" and one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    return found


def scaled_by(manifests: list[Manifest]) -> dict[str, str]:
    """The queue by which each pool is scaled. Its personalized messages scale it, too."""
    queues = {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: {
            trigger["name"]: trigger["metadata"]["queueName"] for trigger in one["spec"]["triggers"]
        }
        for one in manifests
        if one["kind"] == "ScaledObject"
    }
    for named in queues.values():
        assert named["personalized"] == PERSONALIZED[named["queue"]].name
    return {pool: named["queue"] for pool, named in queues.items()}


def test_without_channels_everybody_takes_from_one_queue() -> None:
    manifests = pools({"name": "east"}, {"name": "west"})
    assert "LEOPARD_DEDICATED_QUEUES" not in settings(manifests, "dispatcher")
    assert "LEOPARD_CHANNEL" not in settings(manifests, "sender-worker-east")
    assert set(scaled_by(manifests).values()) == {SENDS.name}


@pytest.mark.parametrize("others", [{}, {"settings": {"channel": ""}}])
def test_a_pool_of_one_channel_and_one_for_the_rest(others: dict[str, Any]) -> None:
    manifests = pools({"name": "chats", "settings": {"channel": "whatsapp"}}, {"name": "rest", **others})
    assert settings(manifests, "dispatcher")["LEOPARD_DEDICATED_QUEUES"] == "whatsapp"
    assert settings(manifests, "sender-worker-chats")["LEOPARD_CHANNEL"] == "whatsapp"
    assert "LEOPARD_CHANNEL" not in settings(manifests, "sender-worker-rest")
    assert scaled_by(manifests) == {
        "sender-worker-chats": SENDS_OF[Channel.WHATSAPP].name,
        "sender-worker-rest": SENDS.name,
    }


def test_a_pool_for_each_channel_and_two_for_one() -> None:
    manifests = pools(
        {"name": "whatsapp", "settings": {"channel": "whatsapp"}},
        {"name": "sms-east"},
        {"name": "sms-west"},
        settings={"channel": "sms"},
    )
    assert settings(manifests, "dispatcher")["LEOPARD_DEDICATED_QUEUES"] == "sms,whatsapp"
    assert scaled_by(manifests) == {
        "sender-worker-whatsapp": SENDS_OF[Channel.WHATSAPP].name,
        "sender-worker-sms-east": SENDS_OF[Channel.SMS].name,
        "sender-worker-sms-west": SENDS_OF[Channel.SMS].name,
    }


def test_the_chart_knows_every_channel() -> None:
    given = [{"name": channel.value, "settings": {"channel": channel.value}} for channel in Channel]
    assert settings(pools(*given), "dispatcher")["LEOPARD_DEDICATED_QUEUES"] == ",".join(sorted(Channel))


def trigger(management: dict[str, Any]) -> tuple[Manifest, list[Manifest]]:
    """The trigger of the only pool, and all objects."""
    broker = {"management": {**KEDA["rabbitmq"]["management"], **management}}
    manifests = render({**KEDA, "rabbitmq": broker, "senderWorker": {"keda": {"enabled": True}}})
    [scaled] = [one for one in manifests if one["kind"] == "ScaledObject"]
    return scaled["spec"]["triggers"][0], manifests


@pytest.mark.parametrize("url", ["https://mq.example.com/rabbit", "https://mq.example.com/rabbit/"])
def test_the_management_api_may_have_a_path(url: str) -> None:
    """KEDA takes what follows the last slash for a virtual host."""
    assert trigger({"url": url})[0]["metadata"]["host"] == "https://mq.example.com/rabbit/"


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_the_management_api_may_have_a_private_authority(kind: str) -> None:
    _, manifests = trigger({"ca": {f"existing{kind}": "mq-ca", "key": "root.pem"}})
    [authentication] = [one["spec"] for one in manifests if one["kind"] == "TriggerAuthentication"]
    given = authentication["secretTargetRef"] + authentication["configMapTargetRef"]
    by_parameter = {one["parameter"]: (one["name"], one["key"]) for one in given}
    assert by_parameter["ca"] == ("mq-ca", "root.pem")
    name, key = by_parameter["tls"]
    [switch] = [one for one in manifests if one["kind"] == "ConfigMap" and one["metadata"]["name"] == name]
    assert switch["data"][key] == "enable"


def test_an_older_keda_gets_no_behavior_of_the_fallback() -> None:
    manifests = pools({"name": "a", "keda": {"fallback": {"behavior": ""}}})
    [scaled] = [one for one in manifests if one["kind"] == "ScaledObject"]
    assert scaled["spec"]["fallback"] == {"failureThreshold": 3, "replicas": 2}
