"""What is sent is well-formed HTTP, whatever the client made of its request."""

import json

import httpx2

from quotadeck.client import SyncQuotaManager

ASKED = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
USAGE = {"prompt_tokens": 5, "completion_tokens": 1}
URL = "http://x/v1/chat/completions"


class _Seen(httpx2.BaseTransport):
    def __init__(self) -> None:
        self.requests = list[httpx2.Request]()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=b"")


def test_a_body_given_in_pieces_has_one_length_when_more_is_asked_in_its_stead() -> None:
    seen = _Seen()
    body = json.dumps(ASKED).encode()
    with SyncQuotaManager().http_client("analytics", transport=seen) as http:
        http.post(URL, content=iter((body[:10], body[10:])))
    [request] = seen.requests
    sent = request.read()
    assert b"include_usage" in sent
    assert request.headers["content-length"] == str(len(sent))
    assert "transfer-encoding" not in request.headers


def test_a_reply_that_the_inner_transport_has_read_is_settled_by_what_it_tells() -> None:
    """As one with a cache gives it: nobody comes for its bytes."""
    reply = {"object": "chat.completion", "choices": [], "usage": USAGE}
    inner = httpx2.MockTransport(lambda _: httpx2.Response(200, json=reply))
    manager = SyncQuotaManager()
    with manager.http_client("analytics", transport=inner) as http:
        answer = http.post(URL, json={**ASKED, "stream": False})
        one = manager.usage_report()["analytics"]
    assert answer.json() == reply
    assert (one.requests, one.estimated, one.input_tokens, one.output_tokens) == (1, 0, 5, 1)
