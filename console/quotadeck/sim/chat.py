"""`POST /v1/chat/completions`: the way of a call through the simulated upstream."""

import time
from collections.abc import Iterator

from aiohttp import web

from quotadeck.sim.ask import Ask, find_model, parse_ask, parse_body
from quotadeck.sim.calllog import Line
from quotadeck.sim.catalogue import cost_nano_usd
from quotadeck.sim.faults import ANSWERS, BENDS, HEADER, USAGES, Fault
from quotadeck.sim.plan import Plan, draw
from quotadeck.sim.replies import Piece, Stamp, Usage, json_piece, stream_pieces, true_usage
from quotadeck.sim.sending import Bill, send_pieces, send_whole
from quotadeck.sim.service import MARK, SERVICE, Mark, Service

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"


async def chat(request: web.Request) -> web.StreamResponse:
    """Check, meet the fault if there is one, draw the reply, take the limits, send, bill."""
    service, mark = request.app[SERVICE], request[MARK]
    body = parse_body(await request.read())
    model = find_model(body)
    fault = service.faults.take(model.id, request.headers.get(HEADER))
    if fault is not None and fault.kind in ANSWERS:
        answer = await ANSWERS[fault.kind].run(request, fault.value)
        if answer is not None:
            return answer
        fault = None
    ask = parse_ask(model, body)
    plan = draw(service.seed, ask, service.speed)
    tokens = plan.prompt_tokens + plan.completion_tokens
    headers = service.limits.take(model, tokens, time.monotonic_ns())
    headers["Content-Type"] = SSE if ask.stream else JSON
    bill = _bill(service, mark, ask, plan)
    if fault is None and not ask.stream:
        whole = web.Response(headers=headers)
        await send_whole(request, whole, json_piece(_stamp(mark), ask, plan, _usage(plan)), bill)
        return whole
    response = web.StreamResponse(headers=headers)
    mark.put_on(response)
    await send_pieces(request, response, _pieces(_stamp(mark), ask, plan, fault), bill)
    return response


def _pieces(stamp: Stamp, ask: Ask, plan: Plan, fault: Fault | None) -> Iterator[Piece]:
    usage = _usage(plan)
    if fault is not None and fault.kind in USAGES:
        usage = USAGES[fault.kind].run(true_usage(plan), fault.value)
    if ask.stream:
        pieces = stream_pieces(stamp, ask, plan, usage)
    else:
        pieces = iter((json_piece(stamp, ask, plan, usage),))
    if fault is not None and fault.kind in BENDS:
        return BENDS[fault.kind].run(pieces, fault.value)
    return pieces


def _usage(plan: Plan) -> Usage:
    return Usage(true_usage(plan))


def _stamp(mark: Mark) -> Stamp:
    return Stamp(mark.response_id, int(time.time()))


def _bill(service: Service, mark: Mark, ask: Ask, plan: Plan) -> Bill:
    def bill(generated: int, delivered: bool) -> None:
        service.log.write(
            Line(
                id=mark.response_id,
                request_id=mark.caller_id,
                model=ask.model.id,
                status=200,
                prompt_tokens=plan.prompt_tokens,
                cached_tokens=plan.cached_tokens,
                completion_tokens=generated,
                cost_nano_usd=cost_nano_usd(ask.model, plan.prompt_tokens, generated),
                stream=ask.stream,
                at_us=time.time_ns() // 1000,
                delivered=delivered,
            )
        )

    return bill
