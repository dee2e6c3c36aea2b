"""An application's process: it acquires as fast as it may, calls, settles, and tells its sums.

``python -m tests.client.leased.worker URL KEY PROJECT SECONDS``; it prints a JSON object.
"""

import asyncio
import json
import sys
import time
from decimal import Decimal

import httpx

from quotadeck.client import Estimate, QuotaManager

ESTIMATE = Estimate(50, 50, 2_000_000)
BODY = {"model": "gpt-4.1", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}


async def main(url: str, key: str, project: str, seconds: float) -> dict[str, int]:
    sums = {"admitted": 0, "refused": 0, "cost_nano": 0, "tokens": 0}
    manager = QuotaManager(gateway=url, key=key)
    until = time.monotonic() + seconds

    async def work(http: httpx.AsyncClient) -> None:
        while time.monotonic() < until:
            async with manager.acquire(project, ESTIMATE) as reservation:
                sums["admitted"] += 1
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
        await asyncio.gather(*[work(http) for _ in range(6)])
    manager.close()
    return sums


if __name__ == "__main__":
    _, url, key, project, seconds = sys.argv
    print(json.dumps(asyncio.run(main(url, key, project, float(seconds)))))
