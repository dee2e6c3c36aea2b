"""``quotadeck call`` on a real gateway: its price line by line, how its limits stood."""

import httpx

from tests.cli.conftest import Run
from tests.load import chat
from tests.processes import Gateway, wait_until


def test_a_call_is_told_with_its_price_and_a_refused_one_with_how_its_limits_stood(
    inside: Run, gateway: Gateway
) -> None:
    key = gateway.add_key("called")
    headers = {"Authorization": f"Bearer {key}", "X-Project-Id": "called"}
    url = f"{gateway.base_url}/chat/completions"
    answers = [httpx.post(url, headers=headers, json=chat(), verify=False) for _ in range(12)]
    served, *_ = (one.headers["x-request-id"] for one in answers if one.status_code == 200)
    refused, *_ = (one.headers["x-request-id"] for one in answers if one.status_code == 429)
    told = wait_until(lambda: (r := inside("call", served)).code == 0 and r).out
    assert " a million = $" in told
    assert "price not recorded" not in told
    page = inside("calls", "--id", served, "--json").json
    assert page["price"]["output_pico"] > 0
    told = wait_until(lambda: (r := inside("call", refused)).code == 0 and r).out
    assert "(test)" in told
    assert "/80,000 · budget $" in told
