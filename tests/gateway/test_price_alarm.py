"""A price in doubt is told once an hour a target."""

from dataclasses import replace

from quotadeck.domain.snapshot import Event
from quotadeck.domain.usage import Usage
from quotadeck.gateway.watch.price_alarm import PriceAlarm
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, OPUS, call, catalogue, plan


def test_what_has_no_price_and_what_drifts_is_told_once_an_hour() -> None:
    clock, events = HandClock(NOON_US), list[Event]()
    of = catalogue()
    of = replace(of, upstreams={"main": replace(of.upstreams["main"], drift_percent=4)})
    in_force = plan(of)
    alarm = PriceAlarm(lambda: in_force, clock, events.append)
    for _ in range(9):
        alarm.ended(call(target=OPUS, price_version="unknown", usage=Usage(9, 0, 9)))
    stated = Usage(100, 0, 20, stated_nano=1_000)
    for cost in (1_000, 1_010, 990, 1_000, 1_000):
        alarm.ended(call(target=OPUS, usage=stated, cost_nano_usd=cost))
    assert [event.told.kind for event in events] == ["price.unknown"]
    assert OPUS in say(events[0].told)
    priced_apart = call(target=OPUS, price_version="unknown", usage=Usage(9, tier="ultrafast"))
    alarm.ended(priced_apart._replace(cost_nano_usd=9))
    told = events.pop().told
    assert told.kind == "price.unknown_tier"
    assert "ultrafast" in say(told)
    alarm.ended(call(target=OPUS, usage=stated, cost_nano_usd=1_240))  # 4 % in all
    assert len(events) == 1
    alarm.ended(call(target=OPUS, usage=stated, cost_nano_usd=1_300))
    alarm.ended(call(target=OPUS, usage=stated, cost_nano_usd=9_000))
    alarm.ended(call(target=OPUS, usage=stated, cost_nano_usd=9_000, price_version="upstream"))
    assert [event.told.kind for event in events] == ["price.unknown", "price.drifts"]
    assert "7 calls" in say(events[1].told)
    clock.advance_ms(3_600_001)
    alarm.ended(call(target=OPUS, price_version="unknown", usage=Usage(9, 0, 9)))
    assert len(events) == 3
