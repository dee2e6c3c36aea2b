"""What the goldens say, as today's values. It stays as it is: what is on disk does not change."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from quotadeck.domain.calls import Attempt, Call, Counted, Move, OpenCall, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Command, Entry, Field, Role
from quotadeck.domain.gate import Gate
from quotadeck.domain.layers import Layer
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import (
    Budget,
    Change,
    Event,
    Flow,
    Level,
    LimitReading,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
)
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.domain.steady import Mark
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.store.chain import GENESIS, seal
from quotadeck.store.journal.records import (
    CatalogueRecord,
    ChangeRecord,
    Levels,
    MadeRecord,
    SegmentHead,
    StateRecord,
    Value,
    Withdrawn,
)

AT_US: Final = 1_795_489_200_000_000
SOURCE: Final = "src_019c5f0e4a3b7d2c8e1f90123456789a"
RPM: Final = "project:analytics:rpm"
FILE: Final = b'{"projects":{"analytics":{"limits":{"rpm":60},"name":"Analytics"}}}'

OPEN: Final = OpenCall(
    id="req_1",
    at_us=AT_US,
    day="2026-11-24",
    project="analytics",
    key_id="key_1",
    priority=1,
    model="gpt-4.1",
    served_model="gpt-4.1-mini",
    target="main/gpt-4.1-mini",
    fallback_step=1,
    estimated_input=100,
    estimated_output=40,
    held_tokens=140,
    held_nano_usd=1_000,
    bound_is_estimate=True,
    price_version="v1",
    stream=True,
    retry=2,
    deadline_us=AT_US + 60_000_000,
    run_id="run_7",
    client_request_id="theirs-1",
    takes=((RPM, 1_000_000), ("project:analytics:budget", 1_000)),
)
MOVED: Final = OPEN._replace(id="req_3", attempts=(Attempt("main/gpt-4.1", Cause.TIMEOUT, 0, 9),))
"""As it is carried into a new segment, since the third format."""
MOVE: Final = Move(
    id="req_1",
    at_us=AT_US + 7,
    served_model="gpt-4.1-nano",
    target="main/gpt-4.1-nano",
    fallback_step=2,
    estimated_input=90,
    estimated_output=30,
    held_tokens=120,
    held_nano_usd=500,
    bound_is_estimate=False,
    price_version="v2",
    deadline_us=AT_US + 90_000_000,
    gone=(("project:analytics:budget", 3), ("target:main/gpt-4.1-mini:rpm", 1_000_000)),
    takes=((RPM, 1_000_000), ("project:analytics:budget", 500)),
    failed=Attempt("main/gpt-4.1-mini", Cause.UPSTREAM_429, 429, 12, "up-0"),
)
"""Since the third format."""
END: Final = Call(
    id="req_1",
    at_us=AT_US,
    day="2026-11-24",
    project="analytics",
    key_id="key_1",
    priority=1,
    model="gpt-4.1",
    outcome=Outcome.OK,
    cause=Cause.NONE,
    http_status=200,
    count=1,
    response_id="chatcmpl-1",
    run_id="run_7",
    client_request_id="theirs-1",
    served_model="gpt-4.1-mini",
    target="main/gpt-4.1-mini",
    fallback_step=1,
    estimated_input=100,
    estimated_output=40,
    held_nano_usd=1_000,
    bound_is_estimate=True,
    cost_nano_usd=700,
    fees_nano_usd=10,
    price_version="v1",
    shadowed="project:analytics:tpm",
    queue_ms=3,
    first_byte_ms=80,
    total_ms=320,
    stream=True,
    retry=2,
    usage=Usage(90, 10, 33, 7, 3, 20, True, 2, "priority+us", 650),
    attempts=(
        Attempt("main/gpt-4.1", Cause.UPSTREAM_5XX, 503, 70, "up-1"),
        Attempt("main/gpt-4.1-mini", Cause.NONE, 200, 240, "up-2"),
    ),
    charged=(("project:analytics:budget", 700),),
)
REFUSED: Final = Call(
    id="req_2",
    at_us=AT_US + 1,
    day="2026-11-24",
    project="analytics",
    key_id="key_1",
    priority=2,
    model="gpt-4.1",
    outcome=Outcome.REFUSED,
    cause=Cause.RPM,
    http_status=429,
    count=300,
    binding=RPM,
    wait_ms=1_500,
    gates=(Gate(RPM, 60, 1_000_000, 400_000), Gate("project:analytics:tpm", 9_000, 140_000, -5)),
    counted=Counted(AT_US, AT_US + 900_000, 3, 300_000_000, 1_000_000),
)
ENTRY: Final = seal(
    Entry(
        seq=0,
        id="cmd_1",
        at_us=AT_US,
        actor="mika",
        role=Role.OPERATOR,
        origin="socket",
        action=Action.LIMIT,
        subject=Subject.project("analytics"),
        field=Field.RPM,
        value=40,
        before=60,
        after=40,
        reason="runaway batch ☂",
        public=False,
        until_us=AT_US + 60_000_000,
        ends=(),
        applied=True,
        idempotency_key="idem-cmd_1",
    ),
    1,
    GENESIS,
)
HEAD: Final = "b8034663b2d899722c72841d16e77c7ec6716f3b0517cfb7e220ce7743fd2a53"
"""Of the newest ledger's command log: the hash of the entry's bytes as they were written."""
HEAD_2: Final = "2d851dc074106df56a474b83a0adbf8ca9afbb5951171ec81a1050d34e4a22b6"
"""Of the second format's ledger."""
LEVELS: Final = Levels(AT_US, {RPM: 5}, {RPM: (-3, 5, 60)}, Mark(1, 2, "boot-1", 3))
CATALOGUE: Final = CatalogueRecord(FILE, sha256(FILE).hexdigest(), AT_US)
ENTERED: Final = StateRecord(AT_US, "project:analytics", "throttled", "rpm", True, {"count": 3})
LEFT: Final = StateRecord(
    AT_US + 5, "project:analytics", "throttled", "rpm", False, {"count": 90, "asked": 400}
)
MADE: Final = MadeRecord(AT_US, "analytics", (("response", "resp_1"), ("file", "file-1")))
"""Since the fifth format."""
SECOND: Final = seal(
    replace(ENTRY, seq=0, id="cmd_2", group="cmd_2", asked="0123456789abcdef0123"), 2, ENTRY.hash
)
THIRD: Final = seal(
    replace(SECOND, seq=0, id="cmd_3", subject=Subject.project("search")), 3, SECOND.hash
)
"""Since the fourth format."""
_END: Final = END._replace(usage=Usage(90, 10, 33, 7, 3, 20, is_estimate=True))
"""As it was told before the fifth format."""
_SINCE_2: Final[list[Value]] = [
    _END,
    REFUSED,
    ENTRY,
    LEVELS,
    CATALOGUE,
    ENTERED,
    LEFT,
    Withdrawn(2),
]
RECORDS: Final[dict[int, list[Value]]] = {
    2: [SegmentHead(2, SOURCE), OPEN, *_SINCE_2],
    3: [SegmentHead(3, SOURCE), OPEN, MOVED, MOVE, *_SINCE_2],
    4: [
        *(SegmentHead(4, SOURCE), OPEN, MOVED, MOVE, *_SINCE_2),
        *(ChangeRecord((SECOND, THIRD)), Withdrawn(4, 2)),
    ],
    5: [
        *(SegmentHead(5, SOURCE), OPEN, MOVED, MOVE, END, *_SINCE_2[1:]),
        *(ChangeRecord((SECOND, THIRD)), Withdrawn(4, 2), MADE),
    ],
}
"""By the format's number."""
EVENT: Final = Event(
    "evt_1", AT_US, "project:analytics", notice("alarm.spent", spent_nano=8, names=("a", "b"))
)
COMMAND: Final = Command(
    Action.LIMIT,
    Subject.project("analytics"),
    Field.RPM,
    40,
    reason="import ☂",
    for_ms=3_600_000,
    idempotency_key="12345678",
)

_VITALS: Final = Vitals("gw", "0.1", SOURCE, AT_US, problems=(notice("vital.loop_lag", lag_ms=80),))
_FLOW: Final = Flow(requests_60s=7, spent_60s_nano=9, p95_ms=320)
_STATE: Final = State(
    StateKind.THROTTLED, Urgency.TROUBLE, "rpm", "project:analytics", 3, 40, since_ms=5
)
_ROW: Final = ProjectRow(
    id="analytics",
    name="Analytics",
    priority="high",
    version=3,
    paused=False,
    limits=(LimitReading("rpm", 60, 7, level=Level(-5, 10_000_000, 900)),),
    budget=Budget(5_000, 400, 30, AT_US),
    flow=_FLOW,
    changes=(Change("cmd_1", "rpm", 40, 60, Layer.OVERRIDE, AT_US, "mika", "import"),),
    models=("gpt-4.1",),
    state=_STATE,
)
_TARGET: Final = TargetRow("main/gpt-4.1", 1, (), Flow(), upstream_429_60s=2)
_ROUTE: Final = RouteRow("gpt-4.1", 1, ("main/gpt-4.1",), "main/gpt-4.1", paused=True)
SNAPSHOT: Final = Snapshot(1_000, AT_US, _VITALS, (_ROW,), (_TARGET,), (_ROUTE,), (EVENT,))
CHANGED: Final = replace(
    SNAPSHOT, now_ms=2_000, at_us=AT_US + 1, projects=(replace(_ROW, paused=True, flow=Flow()),)
)
