"""What a gateway's process says on standard error from its start to its end."""

import json
from pathlib import Path

import httpx

from tests.load import chat
from tests.processes import running, wait_until

PROMPT = "xyzzy"
CONFIG = "[log]\naccess = true\n[projects.one]\nrpm = 6\n"


def test_a_life_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as gateway:
        headers = {"Authorization": f"Bearer {gateway.add_key('one')}"}
        ask = chat(messages=[{"role": "user", "content": PROMPT}], user=PROMPT)
        url = f"{gateway.base_url}/chat/completions"
        with httpx.Client(timeout=30) as http:
            gateway.upstream.fault("status", value=500)
            failed = http.post(url, json=ask, headers=headers)
            assert failed.status_code >= 500
            refused = http.post(url, json=ask, headers=headers)
            assert refused.status_code == 429
            stranger = http.post(url, json=ask)
            assert stranger.status_code == 401
        wait_until(lambda: stranger.headers["x-request-id"] in gateway.log.read_text())
        gateway.stop()
        written = gateway.log.read_text()
    assert PROMPT not in written
    lines = [json.loads(line) for line in written.splitlines()]
    [serving] = [line for line in lines if line["event"] == "serving"]
    assert (serving["base_url"], serving["file"]) == (gateway.base_url, str(gateway.config))
    of = {line["request_id"]: line for line in lines if line["event"] == "call_failed"}
    assert of[failed.headers["x-request-id"]]["cause"] == "upstream_5xx"
    told = {(line.get("project"), line["cause"]) for line in lines if line["event"] == "refused"}
    assert told >= {("one", "rpm"), (None, "bad_key")}
    accesses = [line for line in lines if line["event"] == "access"]
    assert [line["status"] for line in accesses] == [failed.status_code, 429, 401]
    [stopping] = [line for line in lines if line["event"] == "stopping"]
    assert (stopping["why"], stopping["under_way"]) == ("SIGTERM", 0)
    assert lines[-1]["event"] == "stopped"
