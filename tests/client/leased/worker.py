"""An application's process: it acquires as fast as it may, calls, settles, and tells its sums.

``python -m tests.client.leased.worker URL KEY PROJECT``; it prints a JSON object. It ends when it
has had to wait long some times: then the limit is used up, however slow the machine was at first.
"""

import asyncio
import json
import sys
from decimal import Decimal

import httpx

from quotadeck.client import Estimate, QuotaManager

ESTIMATE = Estimate(50, 50, 2_000_000)
BODY = {"model": "gpt-4.1", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}


WORKERS, BEGINS, LONG_S, OFTEN = 5, 6, 1.0, 4


async def main(url: str, key: str, project: str) -> dict[str, int]:
    waited = 0
    sums = {"admitted": 0, "refused": 0, "cost_nano": 0, "tokens": 0}
    manager = QuotaManager(gateway=url, key=key)

    async def work(http: httpx.AsyncClient) -> None:
        nonlocal waited
        while waited < OFTEN:
            async with manager.acquire(project, ESTIMATE) as reservation:
                sums["admitted"] += 1
                waited += sums["admitted"] > BEGINS and reservation.waited_s > LONG_S
                head = {"authorization": f"Bearer {key}", **reservation.headers}
                reply = await http.post(f"{url}/chat/completions", json=BODY, headers=head)
                if reply.status_code != 200:
                    sums["refused"] += 1
                    continue
                cost = int(Decimal(reply.headers["x-cost-usd"]) * 10**9)
                charge = reservation.settle(reply.json(), cost_nano=cost)
                sums["cost_nano"] += charge.cost_nano
                sums["tokens"] += charge.input_tokens + charge.output_tokens

    async with httpx.AsyncClient(timeout=20) as http:
        await asyncio.gather(*[work(http) for _ in range(WORKERS)])
    manager.close()
    return sums


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
