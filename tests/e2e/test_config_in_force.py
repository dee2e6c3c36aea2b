"""What the config says of clients and upstreams is in force in the gateway that people start."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import MODELS, Gateway, running, wait_until

PAGE = "https://app.example.com"
CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Say hello"}]}
MODEL_TABLES = "\n".join(
    f'[targets."main/{model}"]\n[targets."main/{model}".tiers.priority]\ntimes = "2"'
    for model in MODELS
)
"""The upstream answers in a tier of its own choice, which has to have a price."""
PROJECTS = """
[projects.plain]
[projects.quiet]
cost_comment = false
on_client_leave = "cancel"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory: Path = tmp_path_factory.mktemp("force")
    targets = f'speaks = ["messages"]\n{MODEL_TABLES}'
    settings = f'cors_origins = ["{PAGE}"]'
    with running(directory, PROJECTS, targets=targets, settings=settings) as started:
        yield started


@pytest.fixture(scope="module")
def key(served: Gateway) -> str:
    return served.add_key("plain", "quiet")


def asked(
    served: Gateway, key: str, project: str, *, timeout: float = 15, **more: object
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", "x-project-id": project}
    body = {**CHAT, "max_tokens": 20, **more}
    return httpx.post(
        f"{served.base_url}/chat/completions", headers=headers, json=body, timeout=timeout
    )


def test_chat_is_translated_for_an_upstream_of_messages(served: Gateway, key: str) -> None:
    reply = asked(served, key, "plain")
    assert (reply.status_code, reply.json()["object"]) == (200, "chat.completion")
    name = reply.headers["x-request-id"]
    [logged] = wait_until(
        lambda: [row for row in served.upstream.calls if row["request_id"] == name]
    )
    assert logged["form"] == "messages"
    assert logged["cost_nano_usd"] > 0


@pytest.mark.parametrize(("project", "told"), [("plain", True), ("quiet", False)])
def test_stream_tells_its_cost_as_its_project_wants(
    served: Gateway, key: str, project: str, told: bool
) -> None:
    reply = asked(served, key, project, stream=True)
    assert reply.text.endswith("data: [DONE]\n\n")
    assert (": cost-usd " in reply.text) is told


def test_page_of_the_list_may_call(served: Gateway) -> None:
    headers = {"origin": PAGE, "access-control-request-method": "POST"}
    reply = httpx.options(f"{served.base_url}/chat/completions", headers=headers)
    assert reply.status_code == 204
    assert reply.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize(
    ("project", "outcome"), [("plain", "ok"), ("quiet", "unknown")], ids=["finished", "cancelled"]
)
def test_answer_whose_client_left_ends_as_its_project_wants(
    served: Gateway, key: str, project: str, outcome: str
) -> None:
    served.upstream.fault("slow", value=1)
    try:
        with pytest.raises(httpx.ReadTimeout):
            asked(served, key, project, timeout=0.2)
    finally:
        served.upstream.heal()
    [call] = wait_until(
        lambda: [row for row in served.calls(project=project) if row["cause"] == "client_gone"]
    )
    assert call["outcome"] == outcome
