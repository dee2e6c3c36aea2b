"""A probe under way: what is asked, one after the other, and what is learned of it."""

from dataclasses import replace
from typing import Any, Final

import orjson

from quotadeck.domain.calls import Call
from quotadeck.domain.notice import Fact, notice
from quotadeck.domain.probe import ProbeReport
from quotadeck.domain.providers import FORMS
from quotadeck.gateway.probe.asked import (
    Means,
    ProbeRefused,
    Said,
    Whom,
    ask,
    ask_free,
    words_of,
)
from quotadeck.gateway.probe.small import CALLS, NO_PATH, PATHS, TALKS, Small
from quotadeck.gateway.probe.ways import Ways, ways_of
from quotadeck.gateway.upstream.client import Reply, UpstreamError
from quotadeck.gateway.upstream.told import stated_nano

_NO_SUCH_PATH: Final = (404, 405, 501)
_REFUSES: Final = (400, 422)
_KEY: Final = (401, 403, 407)
_WAIT_MS: Final = 20_000
"""So long a limit of the project is waited for, as its clients do, and so often."""
_TRIES: Final = 3
_NEWER: Final = "max_completion_tokens"


class Probe:
    """One probe. ``id`` names it, ``name`` stands in the record of each of its calls."""

    def __init__(self, means: Means, it: Whom, id: str, name: str) -> None:  # noqa: A002
        self._means = means
        self._it = it
        self._name = name
        self.report = ProbeReport(id)
        self._spoken: dict[str, bool] = {}
        """By form; what nobody knows is not in it."""
        self._stream_usage = ""
        self._states_cost = False
        self._newer = False
        self._usage: object = None
        """What was told of it last."""

    async def run(self) -> None:
        """Ask, and learn. What ends it is told as the rest is."""
        try:
            await self._models()
            await self._forms()
            for form in CALLS:
                served = form in self._means.speaking() and self._spoken.get(form, True)
                if served and (form in TALKS or not self.report.well):
                    await self._words(form)
            if self.report.well:
                self._fit()
        except ProbeRefused as over:
            self._tell(over.told.kind, **over.told.facts)
        except UpstreamError as gone:
            self._tell("probe.unreached", why=str(gone))
        finally:
            self._set(done=True)

    async def _models(self) -> None:
        first = self._it.upstream.speaks[:1] or ("chat",)
        reply = await ask_free(self._means, self._it, "/models", "GET", first[0])
        model = self._it.target.target.model
        try:
            listed = [str(one["id"]) for one in orjson.loads(reply.body)["data"]]
        except (ValueError, KeyError, TypeError):
            self._tell("probe.no_list", **self._no_answer(reply))
            if reply.status in _KEY:
                raise ProbeRefused("probe.key", **self._no_answer(reply)) from None
            return
        kind = "probe.list" if model in listed else "probe.list.without"
        self._tell(kind, models=len(listed), model=model)

    async def _forms(self) -> None:
        """Which forms are known there, by requests that are none."""
        first = self._it.upstream.speaks[:1] or ("chat",)
        unknown = await ask_free(self._means, self._it, NO_PATH, "POST", first[0])
        for form in FORMS:
            reply = await ask_free(self._means, self._it, PATHS[form], "POST", form)
            if reply.status in _KEY:
                raise ProbeRefused("probe.key", **self._no_answer(reply))
            known = _known(reply.status, words_of(self._means, reply), unknown.status)
            if known is not None:
                self._spoken[form] = known
        takes = tuple(form for form in FORMS if self._spoken.get(form))
        lacks = tuple(form for form in FORMS if self._spoken.get(form) is False)
        unsure = tuple(form for form in FORMS if form not in self._spoken)
        if takes:
            self._tell("probe.forms", takes=takes, lacks=lacks or None)
        elif lacks:
            self._tell("probe.forms.none", lacks=lacks)
        if unsure:
            self._tell("probe.forms.unsure", unsure=unsure)

    async def _words(self, form: str) -> None:
        said = await self._ask(Small(form, newer=self._newer))
        if form == "chat" and not said.well and _NEWER in said.words and not self._newer:
            self._newer = True
            self._tell("probe.newer")
            said = await self._ask(Small(form, newer=True))
        if not said.well:
            # A stream of what is refused as a whole is refused, too, and costs another call.
            self._tell("probe.failed", form=form, status=said.heard.status or None, said=said.words)
            return
        self._spoken[form] = True
        self._set(well=True)
        await self._learn("probe.whole", form, said)
        if form != "embeddings":
            await self._stream(form)

    async def _stream(self, form: str) -> None:
        if form != "chat":
            said = await self._ask(Small(form, stream=True))
        else:
            said = await self._ask(Small(form, stream=True, usage=True, newer=self._newer))
            if not said.well and said.heard.status in _REFUSES:
                refused = said
                said = await self._ask(Small(form, stream=True, newer=self._newer))
                if said.well:
                    self._stream_usage = "never"
                    self._tell("probe.options.refused", **_why(refused))
        if not said.well:
            status = said.heard.status or None
            self._tell("probe.failed.stream", form=form, status=status, said=said.words)
            return
        ways = await self._learn("probe.stream", form, said)
        if form == "chat" and not self._stream_usage:
            self._stream_usage = "always" if ways.usage_at else ""
            self._tell("probe.options.taken" if ways.usage_at else "probe.options.ignored")

    async def _learn(self, kind: str, form: str, said: Said) -> Ways:
        ways = ways_of(bytes(said.heard.body))
        call = await self._means.recorded(said.id)
        facts = _told(call)
        if kind == "probe.stream" and not ways.is_stream:
            self._tell("probe.stream.whole", form=form)
        elif kind == "probe.stream":
            kind = "probe.stream" if ways.ends else "probe.stream.no_end"
            self._tell(kind, form=form, ends=ways.ends, events=ways.events, **facts)
        else:
            self._tell(kind, form=form, **facts)
        if not ways.usage_at:
            self._tell("probe.no_usage", form=form)
        elif (told := (form, tuple(ways.usage_at), tuple(ways.fields))) != self._usage:
            self._usage = told
            self._tell("probe.usage", form=form, at=told[1], fields=told[2])
        header = stated_nano(said.heard.headers)
        cost_nano = ways.cost_nano if header is None else header
        if cost_nano is not None and not self._states_cost:
            self._states_cost = True
            self._tell("probe.cost", cost_nano=cost_nano)
        return ways

    async def _ask(self, small: Small) -> Said:
        said = await ask(self._means, self._it, small, self._name)
        for _ in range(_TRIES):
            if not said.ours or said.wait_ms is None or said.wait_ms > _WAIT_MS:
                break
            await self._means.sleep(said.wait_ms / 1_000)
            said = await ask(self._means, self._it, small, self._name)
        if said.ours:
            raise ProbeRefused("probe.not_let", said=said.words)
        call = await self._means.recorded(said.id)
        cost = self.report.cost_nano + (call.cost_nano_usd if call else 0)
        self._set(calls=(*self.report.calls, said.id), cost_nano=cost)
        return said

    def _fit(self) -> None:
        """The lines of the config that fit what was learned, and are not there."""
        upstream = self._it.upstream
        known = dict.fromkeys((*upstream.speaks, *FORMS))
        spoken = [form for form in known if self._spoken.get(form, form in upstream.speaks)]
        lines = []
        if spoken and set(spoken) != set(upstream.speaks):
            named = ", ".join(f'"{form}"' for form in spoken)
            lines.append(f"speaks = [{named}]")
        if self._stream_usage not in ("", upstream.stream_usage):
            lines.append(f'stream_usage = "{self._stream_usage}"')
        self._set(lines=tuple(lines))

    def _no_answer(self, reply: Reply) -> dict[str, Fact]:
        return {"status": reply.status, "said": words_of(self._means, reply) or None}

    def _tell(self, kind: str, /, **facts: Fact) -> None:
        self._set(told=(*self.report.told, notice(kind, **facts)))

    def _set(self, **changed: Any) -> None:
        self.report = replace(self.report, **changed)


def _known(status: int, words: str, unknown: int) -> bool | None:
    """Whether a form is, by what nonsense of it is answered; None where that tells nothing.

    ``unknown`` is what a path that is none is answered.
    """
    said = words.lower()
    if status in _NO_SUCH_PATH:
        return "model" in said
    if status >= 500:
        return False if "not supported" in said or "not implemented" in said else None
    return None if status == unknown else True


def _why(said: Said) -> dict[str, Fact]:
    return {"status": said.heard.status, "said": said.words}


def _told(call: Call | None) -> dict[str, Fact]:
    if call is None:
        return {}
    return {
        "took": call.total_ms,
        "given": call.usage.input_tokens,
        "made": call.usage.output_tokens,
        "cost_nano": call.cost_nano_usd,
        "id": call.id,
    }
