"""The dialects that are served, and what is translated between them: a row for each."""

from types import MappingProxyType
from typing import Final

from quotadeck.dialects.base import Dialect, Translations
from quotadeck.dialects.messages import COUNT_TOKENS, MESSAGES
from quotadeck.dialects.openai import COMPLETIONS, EMBEDDINGS, OPENAI
from quotadeck.dialects.responses import INPUT_TOKENS, RESPONSES
from quotadeck.dialects.translate.chat_messages import ChatToMessages
from quotadeck.dialects.translate.messages_chat import MESSAGES_TO_CHAT
from quotadeck.dialects.translate.responses_chat import RESPONSES_TO_CHAT

DIALECTS: Final[tuple[Dialect, ...]] = (
    OPENAI,
    COMPLETIONS,
    EMBEDDINGS,
    RESPONSES,
    INPUT_TOKENS,
    MESSAGES,
    COUNT_TOKENS,
)
"""The first one words what belongs to none of them."""
TRANSLATIONS: Final[Translations] = MappingProxyType(
    {
        ("chat", "messages"): ChatToMessages(),
        ("messages", "chat"): MESSAGES_TO_CHAT,
        ("responses", "chat"): RESPONSES_TO_CHAT,
    }
)
"""By the client's form and the upstream's; what is not here is refused by name."""
