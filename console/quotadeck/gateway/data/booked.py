"""What is booked for a call that ended: its usage, its cost, and the version of the prices.

Nothing is priced as something else. What has no price of its own is recorded as such, and charged
at least what was held for it, so that no budget is exceeded unseen.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from quotadeck.admission.planned import TargetPlan
from quotadeck.domain.money import nano_of_pico
from quotadeck.domain.price import (
    BY_UPSTREAM,
    UNKNOWN_VERSION,
    Price,
    cost_nano,
    cost_pico,
    fees_nano,
    fees_pico,
)
from quotadeck.domain.tiers import CHEAP, OTHER_MODEL, SEARCHES, split, with_beside
from quotadeck.domain.usage import Usage

_MODEL: Final = re.compile(rb'"model"\s*:\s*"([^"\\]{1,200})"')
_DATED: Final = re.compile(r"[-@](20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2})$")
"""The day of a model's version, behind its name."""


class Booked(NamedTuple):
    """``fees_nano`` is what of the cost is not for the tokens in ``usage``."""

    usage: Usage
    cost_nano: int
    fees_nano: int
    version: str
    """Of the prices, `UNKNOWN_VERSION` where one was wanting, `BY_UPSTREAM` of its own account."""


def model_in(reply: bytes) -> str:
    """The model that a reply says it is of, or the beginning of its stream; empty: it says none.

    A text of the answer cannot be taken for it: its own quotes are escaped.
    """
    found = _MODEL.search(reply)
    return found.group(1).decode("utf-8", "replace") if found else ""


def booked(
    target: TargetPlan,
    targets: Mapping[str, TargetPlan],
    usage: Usage,
    held_nano: int,
    served_as: str = "",
) -> Booked:
    """Of a call that was served by ``target``, and held so many nano-dollars.

    ``targets`` are all that there are, by their ids: they price what other models used for it.
    ``served_as`` is the model that the reply says it is of, where the request let others be it.
    """
    price, others = target.target.price, list[tuple[Price, Usage]]()
    if served_as and _undated(served_as) != _undated(target.target.model):
        other = _price_at(target.upstream.name, targets, served_as)
        price = other or price
        if other is None:
            usage = usage._replace(tier=with_beside(usage.tier, (OTHER_MODEL,)))
    if usage.beside:
        usage, others = _parted(target, targets, usage)
    by = target.target.booked_by or target.upstream.price
    if usage.stated_nano is not None and by == BY_UPSTREAM:
        cost, fees, version = usage.stated_nano, 0, BY_UPSTREAM
    else:
        cost, fees, version = cost_nano(price, usage), fees_nano(price, usage), price.version
        if others:
            beside = sum(cost_pico(*one) for one in others)
            cost = nano_of_pico(cost_pico(price, usage) + beside)
            fees = nano_of_pico(fees_pico(price, usage) + beside)
        if (usage.tier or usage.web_searches) and not price.covers(usage):
            version = UNKNOWN_VERSION
            if usage.web_searches and not price.searches_known:
                usage = usage._replace(tier=with_beside(usage.tier, (SEARCHES,)))
            if not CHEAP.issuperset(split(usage.tier)):
                cost = max(cost, held_nano)
    if usage.is_estimate and not target.upstream.bills_delivered:
        # Less than was held might be less than is billed: a budget would be passed.
        cost = max(cost, held_nano)
    return Booked(usage, cost, fees, version)


def _parted(
    target: TargetPlan, targets: Mapping[str, TargetPlan], usage: Usage
) -> tuple[Usage, list[tuple[Price, Usage]]]:
    """What the target's own model used in all, and what others did, each with its price."""
    own, others, unpriced = usage._replace(beside=()), list[tuple[Price, Usage]](), False
    for model, used in usage.beside:
        if _undated(model) == _undated(target.target.model):
            own = own.and_of(used)
            continue
        price = _price_at(target.upstream.name, targets, model)
        if price is None or not price.covers(used):
            unpriced = True
        else:
            others.append((price, used))
    if unpriced:
        own = own._replace(tier=with_beside(own.tier, (OTHER_MODEL,)))
    return own, others


def _price_at(upstream: str, targets: Mapping[str, TargetPlan], model: str) -> Price | None:
    """The price of a model there; None where it is none of our targets."""
    for name in (model, _undated(model)):
        target = targets.get(f"{upstream}/{name}")
        if target is not None:
            return target.target.price
    return None


def _undated(model: str) -> str:
    return _DATED.sub("", model)
