"""A small field, commands in a few words, and a desk without a store to decide them on."""

from dataclasses import dataclass, field, replace

from quotadeck.domain.catalogue import Catalogue, Project, Route, Target
from quotadeck.domain.commands import Action, Actor, Command, Entry, Field, Rejected, Role, Value
from quotadeck.domain.decide import decide, each_decided, gathered
from quotadeck.domain.effects import tightens
from quotadeck.domain.layers import Layers
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.price import Price
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject

START_US = 1_795_489_200_000_000
HOUR_MS = 3_600_000
PRICE = Price(2_000_000, 8_000_000, 500_000, 2_000_000, "v1")
ANALYTICS_LIMITS = {Field.RPM: 20, Field.TPM: 80_000, Field.BUDGET: 500 * NANO_PER_USD}
OPUS_LIMITS = {Field.RPM: 50, Field.TPM: 200_000}
CATALOGUE = Catalogue(
    projects={
        "analytics": Project(
            "analytics",
            "Analytics",
            limits=ANALYTICS_LIMITS,
        ),
        "search": Project("search", "Search", limits={Field.RPM: 640}),
    },
    upstreams={},
    targets={
        "main/opus": Target("main/opus", "main", "opus", PRICE, limits=OPUS_LIMITS),
        "main/flash": Target("main/flash", "main", "flash", PRICE),
    },
    routes={"opus": Route("opus", ("main/opus", "main/flash"))},
)
ANALYTICS, OPUS = Subject.project("analytics"), Subject.model("opus")
FILE: dict[tuple[Subject, str], Value] = {
    (ANALYTICS, Field.RPM): 20,
    (ANALYTICS, Field.TPM): 80_000,
    (ANALYTICS, Field.BUDGET): 500 * NANO_PER_USD,
    (Subject.project("search"), Field.RPM): 640,
    (Subject.target("main/opus"), Field.RPM): 50,
    (Subject.target("main/opus"), Field.TPM): 200_000,
    (OPUS, Field.TARGET): "main/opus",
}
ADMIN = Actor("ada", Role.ADMIN, "socket")
MIKA = Actor("mika", Role.OPERATOR, "socket")
VERA = Actor("vera", Role.VIEWER, "socket")
SHA = "a" * 64
KEY = ProjectKey(SHA, ("analytics",), "prod")


@dataclass
class Desk:
    """The fold and a clock: `does` must be applied, `refused` must not."""

    layers: Layers = field(default_factory=lambda: Layers(FILE))
    now_us: int = START_US
    seq: int = 0

    def do(self, command: Command, actor: Actor = ADMIN) -> tuple[Entry, ...]:
        """One change, of as many values as it is."""
        parts = each_decided(command, actor, CATALOGUE, self.layers, self.now_us)
        decided = gathered(parts)
        assert isinstance(decided, tuple), decided
        first = f"cmd_{self.seq + 1}" if decided[1:] else ""
        entries = tuple(
            replace(entry, seq=seq, id=f"cmd_{seq}", group=first)
            for seq, entry in enumerate(decided, self.seq + 1)
        )
        self.seq += len(entries)
        self.layers = self.layers.with_entries(entries)
        self.now_us += 1_000_000
        return entries

    def does(self, command: Command, actor: Actor = ADMIN) -> Entry:
        (entry,) = self.do(command, actor)
        return entry

    def refused(self, command: Command, actor: Actor = ADMIN) -> Rejected:
        decided = gathered(each_decided(command, actor, CATALOGUE, self.layers, self.now_us))
        assert isinstance(decided, Rejected), decided
        return decided

    def loosens(self, command: Command, actor: Actor = ADMIN) -> bool:
        decided = decide(command, actor, CATALOGUE, self.layers, self.now_us)
        assert isinstance(decided, Entry), decided
        return not tightens(decided, self.layers)

    def value(self, subject: Subject, name: Field) -> Value | None:
        return self.layers.in_force(subject, name, self.now_us).value


def pause(subject: Subject = ANALYTICS, for_ms: int | None = HOUR_MS) -> Command:
    return Command(Action.PAUSE, subject, reason="batch bug", for_ms=for_ms)


def resume(subject: Subject = ANALYTICS) -> Command:
    return Command(Action.RESUME, subject)


def limit(
    value: int | None,
    name: Field = Field.RPM,
    subject: Subject = ANALYTICS,
    *,
    for_ms: int | None = HOUR_MS,
    scale: int | None = None,
    version: int | None = None,
) -> Command:
    return Command(
        Action.LIMIT,
        subject,
        name,
        value,
        scale,
        reason="orders import",
        for_ms=for_ms,
        expected_version=version,
    )


def fallback(target: str = "main/flash", for_ms: int | None = HOUR_MS) -> Command:
    return Command(Action.FALLBACK, OPUS, value=target, reason="429s", for_ms=for_ms)


def undo(entry: Entry) -> Command:
    return Command(Action.UNDO, Subject.command(entry.id))


def key_add(name: str = "k_prod", value: Value = KEY) -> Command:
    return Command(Action.KEY_ADD, Subject.key(name), value=value)
