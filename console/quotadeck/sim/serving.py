"""The way of a call through the simulated upstream, in whichever form it comes."""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
from aiohttp import web

from quotadeck.sim.ask import Ask, find_model, parse_body
from quotadeck.sim.calllog import Line
from quotadeck.sim.catalogue import ADVISOR, MODELS
from quotadeck.sim.errors import ApiError, RefusedError, bad_request
from quotadeck.sim.faults import ANSWERS, BENDS, HEADER, USAGES, USER, Fault
from quotadeck.sim.forms import Form
from quotadeck.sim.pieces import Piece, Stamp, Usage
from quotadeck.sim.plan import Plan, draw
from quotadeck.sim.prices import Prices, Spent, bill_nano
from quotadeck.sim.sending import Bill, send_pieces, send_whole
from quotadeck.sim.service import MARK, SERVICE, Mark, Service

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"
MAX_CONTEXTS = 10_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serving(form: Form) -> Handler:
    """Check, meet the fault if there is one, draw the reply, take the limits, send, bill."""

    async def serve(request: web.Request) -> web.StreamResponse:
        service, mark = request.app[SERVICE], request[MARK]
        body = parse_body(await request.read())
        model = find_model(body)
        fault = service.faults.take(model.id, _own_fault(request, body))
        if fault is not None and fault.kind in ANSWERS:
            answer = await ANSWERS[fault.kind].run(request, fault.value)
            if answer is not None:
                return answer
            fault = None
        _check(form, request, body)
        ask = form.parse(model, body)
        if ask.stream and form.stream is None:
            raise bad_request("Unrecognized request argument supplied: stream", "stream")
        plan = draw(service.seed, ask, service.speed, _context(service, ask))
        tokens = plan.spent.input + plan.spent.output
        headers = service.limits.take(model, tokens, time.monotonic_ns())
        headers["Content-Type"] = SSE if ask.stream else JSON
        stamp = Stamp(form.prefix + mark.digest, int(time.time()))
        bill = _bill(request, form, stamp, ask, plan)
        if fault is None and not ask.stream:
            response = web.Response(headers=headers)
            piece = form.whole(stamp, ask, plan, Usage(form.usage(plan)))
            await send_whole(request, response, piece, bill)
            return response
        streamed = web.StreamResponse(headers=headers)
        mark.put_on(streamed)
        await send_pieces(request, streamed, _pieces(form, stamp, ask, plan, fault), bill)
        return streamed

    return serve


def counting(form: Form) -> Handler:
    """Count the tokens of a request that is not made: nobody pays for that."""

    async def count(request: web.Request) -> web.StreamResponse:
        body = parse_body(await request.read())
        model = find_model(body)
        _check(form, request, body)
        # The count takes no bound, and is the same with any.
        ask = form.parse(model, {"max_tokens": 1, **body})
        assert form.counted is not None
        counted = form.counted(ask.prompt_tokens)
        return web.Response(body=orjson.dumps(counted), content_type=JSON)

    return count


def _check(form: Form, request: web.Request, body: dict[str, Any]) -> None:
    if form.check is not None:
        form.check(body, request.headers.get("anthropic-version", ""))


def _own_fault(request: web.Request, body: dict[str, Any]) -> str | None:
    """The fault that a call brings with it: in a header, or past gateways as its end user's id."""
    metadata = body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else body.get("user")
    named = user.removeprefix(USER) if isinstance(user, str) and user.startswith(USER) else None
    return request.headers.get(HEADER, named)


def _context(service: Service, ask: Ask) -> int:
    if not ask.context:
        return 0
    if ask.context not in service.contexts:
        why = f"Previous response with id '{ask.context}' not found."
        refused = ApiError(
            400, why, code="previous_response_not_found", param="previous_response_id"
        )
        raise RefusedError(refused)
    return service.contexts[ask.context]


def _pieces(form: Form, stamp: Stamp, ask: Ask, plan: Plan, fault: Fault | None) -> Iterator[Piece]:
    usage = Usage(form.usage(plan))
    if fault is not None and fault.kind in USAGES:
        usage = USAGES[fault.kind].run(form.usage(plan), fault.value)
    if ask.stream and form.stream is not None:
        pieces = form.stream(stamp, ask, plan, usage)
    else:
        pieces = iter((form.whole(stamp, ask, plan, usage),))
    if fault is not None and fault.kind in BENDS:
        return BENDS[fault.kind].run(pieces, fault.value, form.broken)
    return pieces


def _advice(plan: Plan) -> Iterator[tuple[Prices, Spent]]:
    """What was asked of another model on the way, with its prices."""
    taken, given = plan.advice
    if taken:
        yield MODELS[ADVISOR].prices, Spent(taken, given, tier=plan.spent.tier)


def _bill(request: web.Request, form: Form, stamp: Stamp, ask: Ask, plan: Plan) -> Bill:
    service: Service = request.app[SERVICE]
    mark: Mark = request[MARK]

    def bill(generated: int, delivered: bool) -> None:
        spent = plan.cut(generated)
        if ask.echo.get("store") and len(service.contexts) < MAX_CONTEXTS:
            service.contexts[stamp.id] = spent.input + spent.output
        service.log.write(
            Line(
                id=stamp.id,
                request_id=mark.caller_id,
                model=ask.model.id,
                status=200,
                prompt_tokens=spent.input,
                cached_tokens=spent.cached,
                completion_tokens=spent.output,
                cost_nano_usd=bill_nano(ask.model.prices, spent, *_advice(plan)),
                stream=ask.stream,
                at_us=time.time_ns() // 1000,
                delivered=delivered,
                form=form.name,
                cache_write_tokens=spent.written,
                cache_write_1h_tokens=spent.written_1h,
                reasoning_tokens=spent.reasoning,
                web_searches=spent.searches,
                tier="+".join(spent.tier),
                caller=request.headers.get("X-Client-Request-Id", ""),
            )
        )

    return bill
