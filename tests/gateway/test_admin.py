"""The admin API over a real Unix socket: who reaches what, and how each answer reads."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Role
from quotadeck.gateway.control.admin import PREFIX, REACH
from quotadeck.gateway.control.admin_command import BODY_LIMIT_BYTES
from quotadeck.store.places import ledger_file
from quotadeck.wire.objects import load
from quotadeck.words import say
from tests.gateway.desks import HOUR_MS
from tests.gateway.serving import ME, Admin, admin_api

RAISE_BODY: dict[str, Any] = {
    "action": "limit",
    "subject": "project:analytics",
    "field": "rpm",
    "value": 40,
    "reason": "orders import",
    "for_ms": HOUR_MS,
    "idempotency_key": "key-00001",
}

BAD_PARAMETERS: tuple[tuple[str, str], ...] = (
    ("calls?limit=0", "limit is '0': it takes a whole number in 1 … 1000"),
    ("calls?limit=1001", "limit is '1001'"),
    ("calls?limit=x", "limit is 'x'"),
    ("calls?limit=-1", "limit is '-1'"),
    ("calls?limit=%D9%A3", "limit is"),
    ("calls?limit=", "limit is ''"),
    ("calls?last=5&limit=5", "last stands alone"),
    ("calls?limit=5&limit=6", "'limit' is given twice"),
    ("calls?after=7", "after is '7': it takes a cursor as a page gave it"),
    ("calls?after=a:b", "after is 'a:b'"),
    ("calls?after=1:99999999999999999999", "after is"),
    ("calls?outcome=fine", "outcome is 'fine': it takes ok, upstream_error"),
    ("calls?projct=search", "there is no parameter 'projct': it takes after, limit"),
    ("rollups?per=year", "per is 'year': it takes minute, hour or day"),
    ("rollups?since=yesterday", "since is 'yesterday': it takes an instant"),
    ("rollups?since=2026-11-24T03:00:00", "since is '2026-11-24T03:00:00'"),
    ("rollups?per=day&since=2026-11-24T03:00:00Z", "since is for minutes and hours"),
    ("levels?last=3", "there is no parameter 'last'"),
    ("events?project=search", "there is no parameter 'project'"),
    ("audit?before_seq=x", "before_seq is 'x'"),
    ("keys?limit=3", "there is no parameter 'limit': it takes none"),
    ("whoami?as=root", "there is no parameter 'as'"),
    ("snapshot?a=1", "there is no parameter 'a'"),
)
NO_JSON: tuple[tuple[bytes, str], ...] = (
    (b"", "the body is not JSON"),
    (b"{", "the body is not JSON"),
    (b"\xff\xfe", "the body is not JSON"),
    (b"[" * 10_000, "the body is not JSON"),
    (b"[]", "no object"),
    (b"NaN", "the body is not JSON"),
    (b'{"value": 1e999}', "the body is not JSON"),
)
NO_COMMANDS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"action": "explode"}, "action is 'explode': input should be one of 'pause', 'resume'"),
    ({"subject": "x"}, "subject is 'x': string should have at least 3 characters"),
    ({"value": 1.5}, "value is 1.5: "),
    ({"for_ms": 1}, "for_ms is 1: input should be greater than or equal to 1000"),
    ({"for_ms": "1h"}, "for_ms is '1h': input should be a valid integer"),
    ({"reason": "x" * 201}, "should have at most 200 characters"),
    ({"idempotency_key": "short"}, "at least 8 characters"),
    ({"public": "yes"}, "public is 'yes': input should be a valid boolean"),
    ({"scale_percent": 0}, "scale_percent is 0"),
    ({"\x1b[2J": 1}, "a command has no '\ufffd[2J'"),
)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Admin]:
    """Served, and we are admin: the socket's peer is the gateway's own account."""
    async with admin_api(tmp_path) as admin:
        yield admin


async def refused(answer: httpx.Response, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()
    assert (set(error), error["code"]) == ({"error", "code", "notice"}, code)
    return str(error["error"])


async def command(api: Admin, **changes: Any) -> tuple[int, CommandAnswer]:
    answer = await api.http.post(f"{PREFIX}commands", json={**RAISE_BODY, **changes})
    return answer.status_code, load(CommandAnswer, answer.content)


class TestRoles:
    """The whole table, role × route."""

    EVERYBODY = frozenset(Role)
    TABLE = {  # noqa: RUF012
        "snapshot": EVERYBODY,
        "alarms": EVERYBODY,
        "report": EVERYBODY,
        "stream": EVERYBODY,
        "commands": EVERYBODY,
        "audit": EVERYBODY,
        "calls": EVERYBODY,
        "rollups": EVERYBODY,
        "series": EVERYBODY,
        "levels": EVERYBODY,
        "events": EVERYBODY,
        "keys": frozenset({Role.OPERATOR, Role.ADMIN}),
        "leases": EVERYBODY,
        "project": EVERYBODY,
        "models": EVERYBODY,
        "whoami": EVERYBODY,
        "probe": frozenset({Role.OPERATOR, Role.ADMIN}),
        "probed": frozenset({Role.OPERATOR, Role.ADMIN}),
    }

    @pytest.mark.parametrize("role", Role)
    async def test_who_reaches_what(self, tmp_path: Path, role: Role) -> None:
        assert set(self.TABLE) == set(REACH)
        roles = {role: (f"user:{ME}",)}
        async with admin_api(tmp_path, roles=roles, own_uid=-1) as api:
            for name, allowed in self.TABLE.items():
                method = "POST" if name in ("commands", "probe") else "GET"
                since = "?since=2026-11-24T00:00:00Z"
                needs = {"project": "?id=analytics", "alarms": since, "report": since}
                about = needs.get(name, "")
                async with api.http.stream(method, f"{PREFIX}{name}{about}") as answer:
                    if name == "commands":
                        assert answer.status_code == 400, "the body was looked at"
                    elif role in allowed and name in ("probe", "probed"):
                        assert answer.status_code in (400, 404), "what it asks for was looked at"
                    elif role in allowed:
                        assert answer.status_code == 200, name
                    else:
                        await answer.aread()
                        text = await refused(answer, 403, "not_allowed")
                        assert f"{ME} is {role} here and {name} takes an operator" in text
            who = (await api.http.get(f"{PREFIX}whoami")).json()
            assert who == {"actor": ME, "role": role}

    async def test_a_viewers_command_is_refused_and_stands_in_the_audit(
        self, tmp_path: Path
    ) -> None:
        async with admin_api(tmp_path, own_uid=-1) as api:
            status, answer = await command(api)
            assert (status, answer.refused and answer.refused.code) == (403, "not_allowed")
            page = (await api.http.get(f"{PREFIX}audit")).json()
            assert [row["actor"] for row in page["rows"]] == [ME]

    async def test_an_operator_has_an_operators_limits(self, tmp_path: Path) -> None:
        roles = {Role.OPERATOR: (f"user:{ME}",)}
        async with admin_api(tmp_path, roles=roles, own_uid=-1) as api:
            assert (await command(api, value=41))[0] == 403
            assert (await command(api, value=40, idempotency_key="key-00002"))[0] == 200


class TestCommands:
    async def test_one_is_applied_and_answered(self, api: Admin) -> None:
        status, answer = await command(api)
        assert (status, answer.applied, answer.before, answer.after) == (200, True, 20, 40)
        assert api.at.rpm() == 40
        assert (await api.at.entries())[0].actor == ME
        assert (await api.at.entries())[0].origin == "socket"

    async def test_the_actor_in_a_body_is_an_unknown_field(self, api: Admin) -> None:
        answer = await api.http.post(f"{PREFIX}commands", json={**RAISE_BODY, "actor": "root"})
        text = await refused(answer, 400, "invalid")
        assert text.startswith("a command has no 'actor': its fields are action, subject, field")

    async def test_a_dry_run_changes_nothing(self, api: Admin) -> None:
        status, answer = await command(api, dry_run=True)
        assert (status, answer.dry_run, answer.applied, answer.after) == (200, True, False, 40)
        assert [*map(say, answer.warnings)] == ["no figures: nothing is on record yet"]
        assert api.at.rpm() == 20

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"subject": "project:analytisc"}, 404, "not_found"),
            ({"expected_version": 7}, 409, "stale"),
            ({"action": "resume", "value": None, "for_ms": None, "field": None}, 409, "conflict"),
            ({"value": 0}, 400, "invalid"),
            ({"value": "forty"}, 400, "invalid"),
        ],
    )
    async def test_a_refusal_is_an_answer_with_a_status(
        self, api: Admin, changes: dict[str, Any], status: int, code: str
    ) -> None:
        found, answer = await command(api, **changes)
        assert answer.refused is not None
        assert (found, answer.applied, answer.refused.code) == (status, False, code)

    async def test_people_who_read_json_find_the_words_beside_the_facts(self, api: Admin) -> None:
        answer = await api.http.post(f"{PREFIX}commands", json={**RAISE_BODY, "value": 0})
        told, words = answer.json(), "rpm 0 is not in 1 … 1,000,000,000,000; to let nothing pass,"
        assert (told["code"], told["error"].startswith(words)) == ("invalid", True)
        notice = told["refused"]["notice"]
        assert notice["kind"] == "refused.out_of_range.nothing"
        assert (notice["facts"]["field"], notice["facts"]["value"]) == ("rpm", 0)
        override = {**RAISE_BODY, "idempotency_key": "key-00002"}
        await api.http.post(f"{PREFIX}commands", json=override)
        lower = {**RAISE_BODY, "value": 30, "for_ms": None, "idempotency_key": "key-00003"}
        told = (await api.http.post(f"{PREFIX}commands", json=lower)).json()
        assert (told["error"], told["refused"]) == ("", None)
        assert "override stays in force above this" in told["warnings"][0]["text"]
        (undo,) = (await api.http.get(f"{PREFIX}audit?limit=1")).json()["rows"]
        assert (undo["because"], undo["before"], undo["after"]) == ("orders import", 40, 40)

    async def test_a_body_that_is_no_command_names_the_field(self, api: Admin) -> None:
        for changes, words in NO_COMMANDS:
            answer = await api.http.post(f"{PREFIX}commands", json={**RAISE_BODY, **changes})
            text = await refused(answer, 400, "invalid")
            assert words in text
            assert len(text) < 400

    async def test_a_missing_field_is_named(self, api: Admin) -> None:
        answer = await api.http.post(f"{PREFIX}commands", json={"action": "pause"})
        assert "subject is missing" in await refused(answer, 400, "invalid")

    async def test_a_body_that_is_no_json(self, api: Admin) -> None:
        for body, words in NO_JSON:
            answer = await api.http.post(f"{PREFIX}commands", content=body)
            assert words in await refused(answer, 400, "invalid")

    async def test_a_body_over_512_kb_is_413_stated_or_not(self, api: Admin) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(BODY_LIMIT_BYTES // 1_024 + 1):
                yield b" " * 1_024

        stated = b" " * (BODY_LIMIT_BYTES + 1)
        for content in (stated, chunks()):
            answer = await api.http.post(f"{PREFIX}commands", content=content)
            assert "larger than 512 KB" in await refused(answer, 413, "invalid")

    async def test_hostile_text_is_shown_and_not_obeyed(self, api: Admin) -> None:
        _, answer = await command(
            api, reason="a\x1b]52;c;aGk=\x07\u202eb", subject="project:\x9b2J"
        )
        assert answer.refused is not None
        assert answer.refused.code == "not_found"
        await command(api, reason="a\x1b]52;c;aGk=\x07\u202eb", idempotency_key="key-00002")
        body = (await api.http.get(f"{PREFIX}audit")).text
        assert not {"\\u001b", "\x1b", "\x9b", "\u202e"} & set(body)
        assert "a\ufffd]52;c;aGk=\ufffd\ufffdb" in body


class TestErrors:
    async def test_an_unknown_route_is_404(self, api: Admin) -> None:
        for path in ("/", "/admin", "/admin/v1/nope", "/admin/v1/calls/", "/x%00"):
            text = await refused(await api.http.get(path), 404, "not_found")
            assert "under /admin/v1/ are snapshot, stream" in text

    @pytest.mark.parametrize(
        ("method", "name", "use"),
        [
            ("POST", "calls", "GET"),
            ("GET", "commands", "POST"),
            ("DELETE", "keys", "GET"),
            ("HEAD", "stream", "GET"),
        ],
    )
    async def test_a_wrong_method_is_405(
        self, api: Admin, method: str, name: str, use: str
    ) -> None:
        answer = await api.http.request(method, f"{PREFIX}{name}")
        assert answer.status_code == 405
        assert answer.headers["allow"] == use
        if method != "HEAD":
            assert f"use {use}" in await refused(answer, 405, "invalid")

    async def test_bad_parameters_are_400(self, api: Admin) -> None:
        for query, words in BAD_PARAMETERS:
            text = await refused(await api.http.get(f"{PREFIX}{query}"), 400, "invalid")
            assert words in text

    async def test_a_cursor_of_another_ledger_says_start_again(self, api: Admin) -> None:
        for name in ("calls", "rollups", "levels", "events"):
            answer = await api.http.get(f"{PREFIX}{name}?after=7:3")
            assert "start again without after" in await refused(answer, 410, "gone")

    async def test_a_ledger_that_cannot_be_read_is_503(self, api: Admin) -> None:
        with closing(sqlite3.connect(ledger_file(api.socket.parent.parent / "state"))) as db:
            db.execute("DROP TABLE levels")
        text = await refused(await api.http.get(f"{PREFIX}levels"), 503, "store")
        assert "cannot be read now: no such table: levels" in text

    async def test_the_host_does_not_matter(self, api: Admin) -> None:
        answer = await api.http.get(f"{PREFIX}whoami", headers={"host": "evil.example"})
        assert answer.json() == {"actor": ME, "role": "admin"}

    async def test_health(self, api: Admin) -> None:
        assert (await api.http.get("/healthz")).json() == {"ok": True}
        assert (await api.http.get("/readyz")).json() == {"ready": True}
