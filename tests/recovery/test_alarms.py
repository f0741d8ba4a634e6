"""A RabbitMQ that is short of memory or disk blocks publishers: they report it, lose nothing, and go on afterwards."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from leopard_local.rabbitmq import RabbitMQ
from leopard_local.service import Service
from leopard_local.stack import Stack
from recovery.campaigns import prepare, stats, wait_for, wait_until_sent

ALARMS = {
    "low on memory": (("set_vm_memory_high_watermark", "0"), ("set_vm_memory_high_watermark", "0.6")),
    "low on disk": (("set_disk_free_limit", "1000000000000000"), ("set_disk_free_limit", "50000000")),
}


@contextmanager
def alarm(rabbitmq: RabbitMQ, reason: str) -> Iterator[None]:
    raised, cleared = ALARMS[reason]
    rabbitmq.control(*raised)
    try:
        # a message that is published before the alarm is in force blocks no connection
        wait_until(lambda: reason.rsplit(maxsplit=1)[-1] in rabbitmq.control("eval", "rabbit_alarm:get_alarms()."))
        yield
    finally:
        rabbitmq.control(*cleared)


def get(service: Service, path: str) -> httpx2.Response:
    return httpx2.get(f"{service.url}{path}", timeout=5, trust_env=False)


def queue_health(service: Service) -> tuple[str, str | None]:
    """Whether a service is connected to RabbitMQ, and what limits its use."""
    body = get(service, "/health").json()
    return body["services"]["queue"], body.get("notes", {}).get("queue")


def is_blocked(service: Service) -> bool:
    return "leopard_broker_blocked 1.0" in get(service, "/metrics").text.splitlines()


def wait_until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def blocked_dispatcher(stack: Stack) -> Service:
    """The dispatcher that RabbitMQ blocks: it blocks a connection once something is published on it."""
    dispatchers = [service for name, service in stack.services.items() if name.startswith("dispatcher")]
    wait_until(lambda: any(map(is_blocked, dispatchers)))
    return next(filter(is_blocked, dispatchers))


@pytest.mark.parametrize("reason", list(ALARMS))
def test_an_alarm_is_reported_and_costs_no_message(stack: Stack, client: httpx2.Client, reason: str) -> None:
    rabbitmq = stack.stores.rabbitmq
    assert rabbitmq is not None
    under_way, customers = prepare(client, stack, 1500)
    client.post(f"/campaigns/{under_way}/send", json={"customer_ids": customers}).raise_for_status()
    wait_for(client, under_way, sent=50)
    logs_before = {name: len(service.child.log.read_text()) for name, service in stack.services.items()}
    with alarm(rabbitmq, reason):
        meanwhile, others = prepare(client, stack, 300)
        started = time.monotonic()
        client.post(f"/campaigns/{meanwhile}/send", json={"customer_ids": others}).raise_for_status()
        assert time.monotonic() - started < 5, "a send does not wait for the broker"
        dispatcher = blocked_dispatcher(stack)
        wait_until(lambda: queue_health(dispatcher) == ("connected", f"blocks publishing: {reason}"))
        # a task that fails makes the service not ready after 15 s
        deadline = time.monotonic() + 17
        while time.monotonic() < deadline:
            assert queue_health(dispatcher) == ("connected", f"blocks publishing: {reason}")
            assert get(dispatcher, "/readyz").status_code == 200, "blocked is not unavailable"
            time.sleep(0.5)
        stack.check()
        assert stats(client, meanwhile)["sent"] == 0
    wait_until_sent(client, under_way, 1500)
    wait_until_sent(client, meanwhile, 300)
    for campaign_id in (under_way, meanwhile):
        found = stats(client, campaign_id)
        assert (found["unknown_outcomes"], found["retries"]) == (0, 0), "a message was sent twice"
    wait_until(lambda: not is_blocked(dispatcher))
    assert queue_health(dispatcher) == ("connected", None)
    logged = dispatcher.child.log.read_text()[logs_before[dispatcher.child.name] :]
    assert f'"reason": "{reason}"' in logged
    assert "broker takes jobs again" in logged
    assert "TimeoutError" not in logged


def test_a_blocked_broker_that_is_killed_is_unavailable_and_no_longer_blocked(
    stack: Stack, client: httpx2.Client
) -> None:
    rabbitmq = stack.stores.rabbitmq
    assert rabbitmq is not None
    campaign_id, customers = prepare(client, stack, 300)
    with alarm(rabbitmq, "low on memory"):
        client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
        dispatcher = blocked_dispatcher(stack)
        rabbitmq.kill()
        wait_until(lambda: queue_health(dispatcher) == ("disconnected", None))
        assert not is_blocked(dispatcher)
        rabbitmq.start()
        rabbitmq.wait_until_up()
    # the alarm ended with the process that had raised it
    wait_until_sent(client, campaign_id, 300)
    stack.wait_until_ready()


def test_a_blocked_service_ends_in_time_and_in_order(stack: Stack, client: httpx2.Client) -> None:
    rabbitmq = stack.stores.rabbitmq
    assert rabbitmq is not None
    campaign_id, customers = prepare(client, stack, 300)
    with alarm(rabbitmq, "low on memory"):
        client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
        dispatcher = blocked_dispatcher(stack)
        started = time.monotonic()
        assert dispatcher.child.stop(seconds=60) == 0, dispatcher.child.tail()
        assert time.monotonic() - started < 15
    dispatcher.child.start()
    wait_until_sent(client, campaign_id, 300)
    stack.wait_until_ready()
