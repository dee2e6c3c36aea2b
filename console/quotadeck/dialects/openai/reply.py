"""What a whole reply of OpenAI's dialect says of itself."""

from quotadeck.dialects.base import NotAnAnswer, Read
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.openai.usage import UsageReader, delivers
from quotadeck.dialects.said import is_error, said
from quotadeck.domain.text import clean

MAX_RESPONSE_ID = 200


def read_reply(body: bytes) -> Read:
    """The usage and id of a completion. Raises NotAnAnswer where it is none."""
    try:
        parsed = loads(body)
    except ValueError:
        raise NotAnAnswer("its reply is not JSON") from None
    choices = parsed.get("choices") if isinstance(parsed, dict) else None
    reader = UsageReader()
    if isinstance(parsed, dict):
        reader.see(parsed)
    delivered = any(
        isinstance(one, dict) and (delivers(one.get("message")) or bool(one.get("text")))
        for one in (choices if isinstance(choices, list) else ())
    )
    usage = reader.usage(delivered=delivered)
    if is_error(parsed):
        raise NotAnAnswer("its reply is an error", said(parsed), usage)
    if not isinstance(choices, list):
        raise NotAnAnswer("its reply is not a chat completion")
    response_id = parsed.get("id")
    return Read(
        usage,
        clean(response_id, MAX_RESPONSE_ID) if isinstance(response_id, str) else "",
        body,
    )
