from __future__ import annotations

from core.bus.local import LocalBus


class Ping:
    pass


class Pong:
    pass


def collecting() -> tuple[LocalBus, list[tuple[object, object, Exception]]]:
    errors: list[tuple[object, object, Exception]] = []
    return LocalBus(
        lambda handler, message, error: errors.append((handler, message, error))
    ), errors


def test_messages_reach_handlers_of_their_type_in_order_of_subscription() -> None:
    bus, errors = collecting()
    seen: list[str] = []
    bus.subscribe(Ping, lambda m: seen.append("first"))
    bus.subscribe(Pong, lambda m: seen.append("pong"))
    bus.subscribe(Ping, lambda m: seen.append("second"))
    bus.publish(Ping())
    assert seen == ["first", "second"]
    assert errors == []


def test_a_message_nobody_wants_is_no_error() -> None:
    bus, errors = collecting()
    bus.publish(Ping(), "key")
    assert bus.errors == 0
    assert errors == []


def test_a_handler_that_raises_is_reported_and_stops_nobody_else() -> None:
    bus, errors = collecting()
    seen: list[object] = []

    def broken(message: Ping) -> None:
        raise RuntimeError("boom")

    bus.subscribe(Ping, broken)
    bus.subscribe(Ping, seen.append)
    message = Ping()
    bus.publish(message)
    bus.publish(message)
    assert seen == [message, message]
    assert bus.errors == 2
    handler, reported, error = errors[0]
    assert handler is broken
    assert reported is message
    assert str(error) == "boom"


def test_a_reporter_that_raises_stops_nobody_either() -> None:
    def reporter(handler: object, message: object, error: Exception) -> None:
        raise RuntimeError("reporter")

    bus = LocalBus(reporter)
    seen: list[object] = []
    bus.subscribe(Ping, lambda m: 1 / 0)
    bus.subscribe(Ping, seen.append)
    bus.publish(Ping())
    assert len(seen) == 1
    assert bus.errors == 2


def test_keys_narrow_what_comes() -> None:
    bus, _ = collecting()
    seen: list[str] = []
    bus.subscribe(Ping, lambda m: seen.append("a"), "A")
    bus.subscribe(Ping, lambda m: seen.append("all"))
    bus.publish(Ping(), "A")
    bus.publish(Ping(), "B")
    bus.publish(Ping())
    assert seen == ["all", "a", "all", "all"]


def test_a_subscription_ends_once_and_only_itself() -> None:
    bus, _ = collecting()
    seen: list[str] = []

    def handler(message: Ping) -> None:
        seen.append("x")

    end = bus.subscribe(Ping, handler)
    bus.subscribe(Ping, lambda m: seen.append("y"))
    end()
    end()
    bus.publish(Ping())
    assert seen == ["y"]


def test_a_handler_may_end_its_own_subscription_while_called() -> None:
    bus, errors = collecting()
    seen: list[str] = []
    ends = []

    def once(message: Ping) -> None:
        seen.append("once")
        ends[0]()

    ends.append(bus.subscribe(Ping, once))
    bus.subscribe(Ping, lambda m: seen.append("always"))
    bus.publish(Ping())
    bus.publish(Ping())
    assert seen == ["once", "always", "always"]
    assert errors == []
