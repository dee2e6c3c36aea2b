"""``quotadeck explain`` on a real gateway: a refused request, a project, a paused model."""

import httpx

from tests.cli.conftest import Run
from tests.load import chat
from tests.processes import Gateway, wait_until


def _ask(gateway: Gateway, key: str, project: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "X-Project-Id": project}
    url = f"{gateway.base_url}/chat/completions"
    return httpx.post(url, headers=headers, json=chat(), verify=False)


def _refused(gateway: Gateway, project: str) -> list[str]:
    """Ask until 20 a minute are taken, and five times more: the ids of those refused."""
    key = gateway.add_key(project)
    answers = [_ask(gateway, key, project) for _ in range(12)]
    ids = [one.headers["x-request-id"] for one in answers if one.status_code == 429]
    assert len(ids) >= 5
    return ids


def test_a_refused_request_is_told_its_limit_and_its_wait(inside: Run, gateway: Gateway) -> None:
    ids = _refused(gateway, "refusing")
    told = wait_until(lambda: (r := inside("explain", ids[0])).code == 0 and r).out
    assert "by refusing's rpm of 20 a minute: no request was left" in told
    assert "It was told to come again in " in told
    last = wait_until(lambda: (r := inside("explain", ids[-1], "--json")).code == 0 and r).json
    assert last["calls"][0]["cause"] == "rpm"
    assert last["sentences"]


def test_a_throttled_project_is_told_its_limit_who_set_it_and_what_lifts_it(
    inside: Run, gateway: Gateway
) -> None:
    assert inside("limit", "limited", "rpm", "10", "--for", "1h", "--reason", "import").code == 0
    _refused(gateway, "limited")
    told = wait_until(lambda: (r := inside("explain", "limited")).out.count("rpm") > 1 and r).out
    assert "limited: " in told
    assert "limited's rpm is 10 until" in told
    assert "(“import”); without that it is 20" in told
    assert "It would be lifted by " in told


def test_what_is_well_is_said_to_be_and_kinds_can_be_named(inside: Run) -> None:
    assert inside("explain", "untouched").out.startswith("untouched is well")
    named = inside("explain", "project:gpt-4.1", "--json").json
    assert named["subject"] == "project:gpt-4.1"
    both = inside("explain", "gpt-4.1")
    assert both.code == 2
    assert inside("explain", "main/gpt-4.1").code == 0


def test_what_is_not_there_is_not_made_up(inside: Run) -> None:
    gone = inside("explain", "req_nobody")
    assert gone.code == 1
    assert "Nothing is on record under req_nobody" in gone.out
    assert "analytics" in inside("explain", "analytcs").err
