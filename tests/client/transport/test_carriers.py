"""What is sent is well-formed HTTP, whatever the client made of its request."""

import json

import httpx2

from quotadeck.client import SyncQuotaManager

ASKED = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
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
