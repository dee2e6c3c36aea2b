"""Whether an API key works, found out at the start instead of in the first call at night.

Missing, too short, copied badly, refused, out of money and a provider that cannot be reached are
told apart, each with what to do next. Listing the models proves the connection and costs nothing.
Whether there is money only a call tells: a ``model`` is asked for one token where it is named.

Nothing that the provider says is repeated, since providers quote keys.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from quotadeck.client.help.asking import Answer, NotReached, ask
from quotadeck.client.help.failures import Kind

LEAST_CHARS: Final = 32
"""Shorter ones are no keys: those of all large providers, and of a gateway, are longer."""
_OPENAI: Final = "https://api.openai.com/v1"
_ANTHROPIC: Final = "https://api.anthropic.com"
Form = Literal["openai", "anthropic"]


class KeyState(StrEnum):
    """What a check found."""

    GOOD = "good"
    MISSING = "missing"
    TOO_SHORT = "too_short"
    MALFORMED = "malformed"
    REFUSED = "refused"
    NO_MONEY = "no_money"
    UNREACHABLE = "unreachable"
    UNCLEAR = "unclear"
    """Something answers there, and not as the list of models that was asked for."""


_SAID: Final = {
    KeyState.GOOD: "{called} is good: {where} takes it and lists {models:,} models.",
    KeyState.MISSING: "{called} is not set. Put it into the environment of this process, or give "
    "it to the client by itself; it is made in the provider's console.",
    KeyState.TOO_SHORT: "{called} has {chars} characters, and a key has {least} at least: it was "
    "cut on the way, or stands for one. Copy it again, to its end.",
    KeyState.MALFORMED: "{called} holds a blank, a line's end, a quote or a character beyond "
    "ASCII, as no key does: it was copied with what stood beside it. Copy the key alone.",
    KeyState.REFUSED: "{where} refuses {called} ({why}): it was revoked, lacks a permission, or "
    "is for another address. Make one there, or see whether the base URL is the key's own.",
    KeyState.NO_MONEY: "{where} knows {called}, and there is no money or quota left on its account "
    "({why}). Add some or raise its limit there; waiting does not help.",
    KeyState.UNREACHABLE: "{where} cannot be asked ({why}), so nothing is known of {called}. See "
    "the base URL, the network, and HTTPS_PROXY where there is one.",
    KeyState.UNCLEAR: "{where} answers with no list of models ({why}), so nothing is known of "
    "{called}. See whether its base URL ends as the provider's does, often in /v1.",
}


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What was found; as a text it says what to do next. The key stands nowhere in it.

    ``models`` are the ids that the provider lists; ``status`` is its answer's, 0 without one.
    """

    state: KeyState
    called: str
    where: str
    why: str = ""
    status: int = 0
    models: tuple[str, ...] = ()
    chars: int = 0
    least_chars: int = LEAST_CHARS

    @property
    def ok(self) -> bool:
        return self.state is KeyState.GOOD

    def __str__(self) -> str:
        return _SAID[self.state].format(
            called=self.called,
            where=self.where,
            why=self.why,
            models=len(self.models),
            chars=self.chars,
            least=self.least_chars,
        )


def check_key(
    key: str | None,
    base_url: str = "",
    *,
    called: str = "The API key",
    form: Form = "openai",
    model: str = "",
    least_chars: int = LEAST_CHARS,
    timeout_s: float = 10.0,
) -> KeyCheck:
    """Check a key at a provider or gateway of OpenAI's or Anthropic's form. Raises nothing.

    ``base_url`` is what the form's SDK is given. ``called`` is what people know the key by, such as
    the variable that it comes from. Takes up to ``timeout_s``, twice where a ``model`` is named.
    """
    where = _address(base_url or (_OPENAI if form == "openai" else _ANTHROPIC))
    chars = len(key or "")
    held = _unasked(key, least_chars)
    if held or key is None:
        return KeyCheck(
            held or KeyState.MISSING, called, where, chars=chars, least_chars=least_chars
        )
    root = where if form == "openai" else f"{where}/v1"
    headers = _headers(key, form)
    try:
        answer = ask(f"{root}/models", headers, timeout_s)
        models = answer.ids()
        state = _state_of(answer, listed=models is not None)
        if state is KeyState.GOOD and model:
            path = "chat/completions" if form == "openai" else "messages"
            said = [{"role": "user", "content": "Hi"}]
            body = {"model": model, "max_tokens": 1, "messages": said}
            answer = ask(f"{root}/{path}", headers, timeout_s, body)
            state = _state_of(answer, listed=True)
    except NotReached as away:
        return KeyCheck(KeyState.UNREACHABLE, called, where, str(away), chars=chars)
    return KeyCheck(state, called, where, answer.said, answer.status, models or (), chars)


async def check_key_async(
    key: str | None,
    base_url: str = "",
    *,
    called: str = "The API key",
    form: Form = "openai",
    model: str = "",
    least_chars: int = LEAST_CHARS,
    timeout_s: float = 10.0,
) -> KeyCheck:
    """As `check_key`, in a thread of its own."""
    return await asyncio.to_thread(
        check_key,
        key,
        base_url,
        called=called,
        form=form,
        model=model,
        least_chars=least_chars,
        timeout_s=timeout_s,
    )


def _unasked(key: str | None, least_chars: int) -> KeyState | None:
    """What is wrong with a key by its look alone; None: nothing."""
    if not key or not key.strip():
        return KeyState.MISSING
    if any(not "!" <= sign <= "~" or sign in "\"'`" for sign in key):
        return KeyState.MALFORMED
    return KeyState.TOO_SHORT if len(key) < least_chars else None


def _state_of(answer: Answer, *, listed: bool) -> KeyState:
    """What an answer says of the key. ``listed``: it has what was asked for."""
    if answer.kind is Kind.NO_MONEY:
        return KeyState.NO_MONEY
    if answer.status in {401, 403}:
        return KeyState.REFUSED
    if answer.status >= 500:
        return KeyState.UNREACHABLE
    if answer.kind is Kind.LIMITED:
        return KeyState.GOOD  # whose limit is reached is known
    # What is wrong with the one call for a token, such as its model's name, is not the key.
    good = listed and (answer.status < 300 or answer.status in {400, 404, 422})
    return KeyState.GOOD if good else KeyState.UNCLEAR


def _headers(key: str, form: Form) -> dict[str, str]:
    if form == "openai":
        return {"Authorization": f"Bearer {key}"}
    return {"x-api-key": key, "anthropic-version": "2023-06-01"}


def _address(base_url: str) -> str:
    """The address without a name, password or query in it."""
    scheme, slashes, rest = base_url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}".rstrip("/")
