"""The forms in which the simulated upstream answers: a row each, named by their paths."""

from typing import Final

from quotadeck.sim.errors import ApiError
from quotadeck.sim.forms import (
    chat_reply,
    completions,
    embeddings,
    messages_reply,
    responses_reply,
)
from quotadeck.sim.forms.chat_request import parse_chat
from quotadeck.sim.forms.form import Form
from quotadeck.sim.forms.messages_request import check_version, parse_message
from quotadeck.sim.forms.responses_request import parse_response
from quotadeck.sim.pieces import event

__all__ = ["FORMS", "Form"]

BROKEN: Final = ApiError(500, "The server had an error.", "server_error")
_FAILED: Final = {
    "type": "error",
    "sequence_number": 1,
    "code": "server_error",
    "message": BROKEN.message,
    "param": None,
}

FORMS: Final = (
    Form(
        name="chat",
        path="/v1/chat/completions",
        prefix="chatcmpl-",
        parse=parse_chat,
        usage=chat_reply.true_usage,
        whole=chat_reply.json_piece,
        stream=chat_reply.stream_pieces,
        broken=event(BROKEN.payload()),
    ),
    Form(
        name="completions",
        path="/v1/completions",
        prefix="cmpl-",
        parse=completions.parse_completion,
        usage=chat_reply.true_usage,
        whole=completions.whole,
        stream=completions.stream,
        broken=event(BROKEN.payload()),
    ),
    Form(
        name="embeddings",
        path="/v1/embeddings",
        prefix="embd-",
        parse=embeddings.parse_embedding,
        usage=embeddings.used,
        whole=embeddings.whole,
    ),
    Form(
        name="responses",
        path="/v1/responses",
        prefix="resp_",
        parse=parse_response,
        usage=responses_reply.true_usage,
        whole=responses_reply.whole,
        stream=responses_reply.stream,
        broken=event(_FAILED, "error"),
        counting="/v1/responses/input_tokens",
        counted=lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens},
    ),
    Form(
        name="messages",
        path="/v1/messages",
        prefix="msg_",
        parse=parse_message,
        check=check_version,
        usage=messages_reply.true_usage,
        whole=messages_reply.whole,
        stream=messages_reply.stream,
        broken=event(BROKEN.payload("/v1/messages"), "error"),
        counting="/v1/messages/count_tokens",
        counted=lambda tokens: {"input_tokens": tokens},
    ),
)
