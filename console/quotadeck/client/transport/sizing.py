"""What a request asks of a manager: read by the gateway's dialects, sized as the gateway does."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from quotadeck.admission.estimator import Estimator
from quotadeck.client.prices import Prices
from quotadeck.client.quotas import Estimate
from quotadeck.client.transport.paths import Endpoint
from quotadeck.dialects.base import Ask, Dialect
from quotadeck.domain.refusals import Refusal
from quotadeck.domain.usage import Usage

_KEYS: Final = (b"authorization", b"x-api-key", b"api-key")


class Asked(NamedTuple):
    """A call of a model, as its body asks for it.

    ``ask`` is None where the dialect cannot read the body: then it is sized by its bytes alone.
    ``key`` is a hash that tells the provider's keys apart.
    """

    dialect: Dialect
    ask: Ask | None
    model: str
    estimate: Estimate
    key: int


def asked_of(
    endpoint: Endpoint,
    body: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    project: str,
    estimator: Estimator,
    prices: Prices,
) -> Asked:
    """Read and size a request. One that no dialect can read is sent all the same: the provider
    knows its own API best."""
    by_name = {name.lower(): value for name, value in headers}
    key = hash(next((by_name[name] for name in _KEYS if name in by_name), b""))
    dialect = endpoint.dialect
    try:
        ask = dialect.parse(endpoint.path, body, by_name)
    except Refusal:
        tokens = estimator.input_tokens("", len(body))
        return Asked(dialect, None, "", Estimate(tokens, estimator.output_tokens(project, "")), key)
    model = ask.model
    usual = estimator.output_tokens(project, model)
    most = usual if ask.max_tokens is None else ask.max_tokens
    estimate = Estimate(
        estimator.input_tokens(model, ask.text_bytes) + ask.media_tokens,
        min(most, usual) * ask.choices,
        prices.most_nano(model, ask.input_bound, most * ask.choices),
        model,
    )
    return Asked(dialect, ask, model, estimate, key)


def learn(estimator: Estimator, project: str, asked: Asked, usage: Usage) -> None:
    """Let the estimator learn what a call really used, for the next ones like it."""
    ask = asked.ask
    if ask is not None and usage.total and not ask.media:
        estimator.learn(
            project,
            ask.model,
            ask.model,
            body_bytes=ask.text_bytes,
            input_tokens=usage.input_tokens,
            output_tokens_a_choice=usage.output_tokens // ask.choices,
        )
