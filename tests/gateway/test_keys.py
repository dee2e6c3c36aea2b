"""Who asks: a living key, the project it is allowed to name, and a hint for everybody else."""

from hashlib import sha256

import pytest

from quotadeck.domain.commands import Action, Field
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.refusals import (
    KeyMalformed,
    KeyMissing,
    KeyRevoked,
    KeysDiffer,
    KeyUnknown,
    ProjectNotOfKey,
    ProjectsDiffer,
)
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.keys import Caller, Key, KeyRing, by_name, key_ring
from tests.gateway.values import NOON_US, catalogue, entry, layers

SECRET = "qd_" + "s" * 43
KNOWN = {"analytics": 1, "search": 1}


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


RING = KeyRing({digest(SECRET): Key("k_prod", ("analytics", "search"))})


def bearer(secret: str, **more: str) -> dict[bytes, bytes]:
    named = {"authorization": f"Bearer {secret}", **more}
    return {name.replace("_", "-").encode(): value.encode() for name, value in named.items()}


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer " + SECRET.encode()},
        {b"authorization": b"bearer   " + SECRET.encode() + b" "},
        {b"x-api-key": SECRET.encode()},
        {b"x-api-key": b" " + SECRET.encode()},
        {b"api-key": SECRET.encode()},
        {b"api-key": SECRET.encode(), b"x-api-key": SECRET.encode()},
        {b"x-api-key": SECRET.encode(), b"authorization": b"Bearer \t" + SECRET.encode()},
        {b"x-api-key": SECRET.encode(), b"authorization": b"Bearer "},
    ],
)
def test_key_is_known_by_either_header(headers: dict[bytes, bytes]) -> None:
    assert RING.caller(headers, KNOWN) == Caller("k_prod", "analytics")


@pytest.mark.parametrize(
    "headers",
    [{}, {b"authorization": b""}, {b"authorization": b"Bearer"}, {b"authorization": b"Bearer  "}],
)
def test_no_key_is_told_from_a_wrong_one(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(KeyMissing):
        RING.caller(headers, KNOWN)


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Basic dXNlcjpwYXNz"},
        {b"authorization": SECRET.encode()},
        {b"authorization": b"Bearer qd_cut"},
        {b"x-api-key": b"None"},
    ],
)
def test_what_cannot_be_a_key_is_told_so_without_repeating_it(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(KeyMalformed) as malformed:
        RING.caller(headers, KNOWN)
    assert not any(value.decode() in malformed.value.why for value in headers.values())


@pytest.mark.parametrize("secret", ["qd_" + "x" * 43, SECRET + "s", SECRET.upper(), digest(SECRET)])
def test_only_the_secret_itself_opens(secret: str) -> None:
    with pytest.raises(KeyUnknown):
        RING.caller(bearer(secret), KNOWN)


KEY = b"Bearer " + SECRET.encode()
OTHER = b"qd_" + b"o" * 43


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ([(b"authorization", KEY), (b"authorization", b"Bearer " + OTHER)], KeysDiffer),
        ([(b"authorization", b"Bearer " + OTHER), (b"authorization", KEY)], KeysDiffer),
        ([(b"authorization", b""), (b"authorization", KEY)], KeysDiffer),
        ([(b"authorization", KEY), (b"x-api-key", OTHER)], KeysDiffer),
        ([(b"x-api-key", OTHER), (b"x-api-key", SECRET.encode())], KeysDiffer),
        ([(b"x-project-id", b"search"), (b"x-project-id", b"analytics")], ProjectsDiffer),
        ([(b"x-project-id", b""), (b"x-project-id", b"search")], ProjectsDiffer),
    ],
)
def test_who_says_two_things_is_refused(
    headers: list[tuple[bytes, bytes]], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        RING.caller(by_name(headers), KNOWN)


def test_the_same_said_twice_is_fine() -> None:
    headers = [
        (b"authorization", KEY),
        (b"x-project-id", b" search\t"),
        (b"accept", b"a"),
        (b"accept", b"b"),
        (b"x-api-key", SECRET.encode()),
        (b"authorization", KEY + b" "),
        (b"x-project-id", b"search"),
    ]
    assert RING.caller(by_name(headers), KNOWN) == Caller("k_prod", "search")


def test_key_may_name_any_project_that_it_serves() -> None:
    asked = bearer(SECRET, x_project_id="search")
    assert RING.caller(asked, KNOWN) == Caller("k_prod", "search")


def test_openais_header_chooses_for_a_key_that_serves_several() -> None:
    asked = bearer(SECRET, openai_project="search")
    assert RING.caller(asked, KNOWN) == Caller("k_prod", "search")
    ours = bearer(SECRET, openai_project="search", x_project_id="analytics")
    assert RING.caller(ours, KNOWN) == Caller("k_prod", "analytics")
    with pytest.raises(ProjectNotOfKey):
        RING.caller(bearer(SECRET, openai_project="proj_abc"), KNOWN)


def test_openais_header_means_nothing_with_a_key_of_one_project() -> None:
    ring = KeyRing({digest(SECRET): Key("k_one", ("analytics",))})
    asked = bearer(SECRET, openai_project="proj_abc")
    assert ring.caller(asked, KNOWN) == Caller("k_one", "analytics")


@pytest.mark.parametrize("project", ["billing", "Search", "search\x1b[2J", "é"])
def test_project_of_another_key_is_refused(project: str) -> None:
    with pytest.raises(ProjectNotOfKey) as refusal:
        RING.caller(bearer(SECRET, x_project_id=project), KNOWN)
    assert refusal.value.projects == ("analytics", "search")


def test_project_that_left_the_file_is_no_longer_served() -> None:
    assert RING.caller(bearer(SECRET), {"search": 1}).project == "search"
    with pytest.raises(KeyUnknown):
        RING.caller(bearer(SECRET), {})
    with pytest.raises(ProjectNotOfKey):
        RING.caller(bearer(SECRET, x_project_id="analytics"), {"search": 1})


def test_ring_holds_the_keys_that_the_command_log_has_in_force() -> None:
    def added(seq: int, name: str, secret: str, **more: object) -> object:
        key = ProjectKey(digest(secret), ("search",), "prod")
        return entry(seq, Subject.key(name), Field.KEY, key, action=Action.KEY_ADD, **more)

    of = catalogue()
    revoke = entry(3, Subject.key("old"), Field.KEY, None, action=Action.KEY_REVOKE, ends=(1,))
    log = layers(
        of,
        added(1, "old", "a" * 40),  # type: ignore[arg-type]
        added(2, "new", "b" * 40),  # type: ignore[arg-type]
        revoke,
        added(4, "refused", "c" * 40, applied=False),  # type: ignore[arg-type]
        added(5, "brief", "d" * 40, until_us=NOON_US),  # type: ignore[arg-type]
        entry(6, Subject.project("search"), Field.RPM, 5),
    )
    ring = key_ring(log, NOON_US)
    assert ring == KeyRing(
        {digest("b" * 40): Key("new", ("search",))},
        {digest("a" * 40): Key("old", ("search",)), digest("d" * 40): Key("brief", ("search",))},
    )
    assert ring.serves("search")
    assert not ring.serves("analytics")


def test_a_key_that_was_ours_is_known_by_its_id_and_project() -> None:
    ring = KeyRing({}, {digest(SECRET): Key("old", ("search", "analytics"))})
    known = {"search": 1, "analytics": 1}
    for headers, project in (
        (bearer(SECRET), "search"),
        (bearer(SECRET, x_project_id="analytics"), "analytics"),
        (bearer(SECRET, x_project_id="no-such"), "search"),
    ):
        with pytest.raises(KeyRevoked) as told:
            ring.caller(headers, known)
        assert (told.value.key_id, told.value.project) == ("old", project)
    with pytest.raises(KeyUnknown) as told_nothing:
        ring.caller(bearer(SECRET), {})
    assert type(told_nothing.value) is KeyUnknown
