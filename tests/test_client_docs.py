"""The examples of CLIENT.md run as they stand there: official SDKs at a simulated provider.

They are run from top to bottom in one namespace, as a reader types them.
"""

import inspect
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from quotadeck.client import QuotaManager
from quotadeck.client.report import _PROJECTS, _PROVIDERS
from quotadeck.sim.__main__ import _parser
from tests.client.examples import EXAMPLES, TEXT, run
from tests.client.transport.upstream import Upstream, upstream


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Upstream]:
    """Where the SDKs of the examples go: they name no address, as yours do not."""
    async with upstream() as started:
        for name, value in {
            "OPENAI_BASE_URL": started.base_url,
            "OPENAI_API_KEY": "sk-0123456789abcdefghijklmnopqrstuv",
            "ANTHROPIC_BASE_URL": started.root,
            "ANTHROPIC_API_KEY": "sk-ant-0123456789abcdefghijklmnopqr",
        }.items():
            monkeypatch.setenv(name, value)
        yield started


async def test_every_example_runs(provider: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    clients: dict[int, Any] = {}
    printed = []
    for code in EXAMPLES:
        await run(code, names)
        printed.append(capsys.readouterr().out)
        clients |= {id(one): one for one in map(names.get, ("client", "claude")) if one}
    for client in clients.values():
        await client.close()
    assert len(EXAMPLES) >= 14
    assert "analytics" in printed[0]
    assert any("all:rpm needs" in text for text in printed)
    last: QuotaManager = names["quotas"]
    report = last.usage_report()
    assert [report[name].requests for name in ("analytics", "content-gen")] == [3, 5]
    assert [report[name].estimated for name in ("analytics", "content-gen")] == [0, 0]
    bills = provider.bills.lines[-8:]
    used = sum(one.prompt_tokens + one.completion_tokens for one in bills)
    assert used == sum(one.input_tokens + one.output_tokens for one in report.projects)
    cost = {"claude-opus-4.7": 15_000, "gpt-4.1": 8_000}
    assert sum(one.cost_nano for one in report.projects) == sum(
        (one.prompt_tokens + one.completion_tokens) * cost[one.model] for one in bills
    )


def test_the_simulated_provider_is_started_as_it_tells() -> None:
    told = re.search(r"^python -m quotadeck\.sim (\S.*?) +#", TEXT, re.MULTILINE)
    assert told
    options = _parser().parse_args([*told[1].split(), "--enforce-limits"])
    assert f"=http://127.0.0.1:{options.port}/v1 " in TEXT


def test_the_report_is_shown_as_it_is() -> None:
    for head in (_PROJECTS, _PROVIDERS):
        assert re.search(f"^{' +'.join(head)}$", TEXT, re.MULTILINE)


def test_the_names_in_the_table_are_there() -> None:
    quotas = QuotaManager()
    for name in ("check", "acquire", "set_project_quota", "usage_report", "run", "http_client"):
        assert callable(getattr(quotas, name))
        assert f"`{name}(" in TEXT or f".{name}(" in TEXT


def test_the_defaults_are_those_it_tells() -> None:
    told = inspect.signature(QuotaManager.__init__).parameters
    assert [
        told[name].default for name in ("rpm_limit", "tpm_limit", "daily_budget", "burst_window")
    ] == [50, 200_000, 1_000, 10]
