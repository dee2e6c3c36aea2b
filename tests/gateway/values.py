"""A small field for the data plane's tests: two projects, two targets, a route, as a Plan."""

from dataclasses import replace
from typing import Any

import orjson

from quotadeck.dialects.base import Ask
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Entry, Field, Role, Value
from quotadeck.domain.layers import Layers
from quotadeck.domain.limits import Priority
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.price import Price
from quotadeck.domain.rules import LIMIT_FIELDS, Windows
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.lanes import Lane, lane_of
from quotadeck.gateway.plan import Plan, compile_plan, file_layer

NOON_US = 1_795_521_600_000_000
"""2026-11-24T12:00:00Z."""
WINDOWS = Windows(10, 60)
PRICE = Price(2_000_000, 8_000_000, 500_000, 2_000_000, "v1")
"""2 and 8 dollars per million tokens: 2,000 and 8,000 nano-dollars a token."""
UPSTREAM = Upstream("main", "http://127.0.0.1:1/v1", "sk-upstream", timeout_s=60.0)
OPUS, FLASH = "main/opus", "main/flash"


def catalogue(*, target: dict[str, Any] | None = None, **analytics: Any) -> Catalogue:
    """One field; ``analytics`` and ``target`` (main/opus) as changed."""
    limits = {"rpm": 60, "tpm": 60_000, "daily_budget_usd": NANO_PER_USD}
    project = Project("analytics", "Analytics", **_limited({**limits, **analytics}))
    opus = Target(OPUS, "main", "opus-4.7", PRICE, max_input_tokens=10_000, max_output_tokens=2_000)
    return Catalogue(
        projects={"analytics": project, "search": Project("search", "Search")},
        upstreams={"main": UPSTREAM},
        targets={
            OPUS: replace(opus, **_limited(target or {})),
            FLASH: Target(FLASH, "main", "flash-2.5", PRICE),
        },
        routes={"opus": Route("opus", (OPUS, FLASH)), "flash": Route("flash", (FLASH,))},
    )


def _limited(values: dict[str, Any]) -> dict[str, Any]:
    """The limits among the values under ``limits``, those that are None left out."""
    limits = {Field(name): values[name] for name in values if name in LIMIT_FIELDS}
    rest = {name: value for name, value in values.items() if name not in LIMIT_FIELDS}
    return {**rest, "limits": {name: value for name, value in limits.items() if value is not None}}


def entry(seq: int, subject: Subject, name: Field, value: Value | None, **more: Any) -> Entry:
    """An applied command of an operator; a standing change unless ``until_us`` is given."""
    made = Entry(
        seq=seq,
        id=f"cmd_{seq}",
        at_us=NOON_US,
        actor="mika",
        role=Role.OPERATOR,
        origin="socket",
        action=Action.PAUSE if name is Field.PAUSED else Action.LIMIT,
        subject=subject,
        field=name,
        value=value,
        before=20,
        after=40,
        reason="orders import",
        public=False,
        until_us=None,
        ends=(),
        applied=True,
        idempotency_key=f"idempotent-{seq}",
    )
    return replace(made, **more)


def layers(of: Catalogue, *entries: Entry) -> Layers:
    return Layers(file_layer(of)).with_entries(entries)


def plan(of: Catalogue, *entries: Entry, now_us: int = NOON_US) -> Plan:
    return compile_plan(of, layers(of, *entries), WINDOWS, now_us)


def body(text: str = "Say hello.", **more: Any) -> bytes:
    return orjson.dumps({"model": "opus", "messages": [{"role": "user", "content": text}], **more})


CHAT = "/v1/chat/completions"


def request(text: str = "Say hello.", **more: Any) -> Ask:
    return OPENAI.parse(CHAT, body(text, **more), {})


def lane(of: Plan, project: str = "analytics", model: str = "opus") -> Lane:
    """The way of the project to the model, also where it is paused."""
    going = replace(of.projects[project], paused=None)
    open_route = replace(of.routes[model], paused=None)
    routes = {**of.routes, model: open_route}
    of = replace(of, projects={**of.projects, project: going}, routes=routes)
    return lane_of(of, project, model, OPENAI, CHAT)


def call(**more: Any) -> Call:
    """A call of analytics that went well."""
    made = Call(
        id="req_1",
        at_us=NOON_US,
        day="2026-11-24",
        project="analytics",
        key_id="k_prod",
        priority=int(Priority.MEDIUM),
        model="opus",
        outcome=Outcome.OK,
        cause=Cause.NONE,
        http_status=200,
        target=OPUS,
        usage=Usage(100, 0, 20),
        cost_nano_usd=360_000,
        total_ms=150,
    )
    return made._replace(**more)
