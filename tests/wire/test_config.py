"""What a good config file becomes."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from quotadeck.domain.commands import Field, Role
from quotadeck.domain.limits import Priority
from quotadeck.domain.rules import LimitKind
from quotadeck.wire import paths
from quotadeck.wire.config import ConfigError, example, load
from tests.wire.configs import ENV, KEY, SMALL, changed, loaded, written


def test_the_example_loads_once_its_upstream_has_a_key(tmp_path: Path) -> None:
    config = load(written(tmp_path, example()), {"OPENAI_API_KEY": KEY})
    assert list(config.catalogue.projects) == ["default", "analytics", "content-gen"]
    assert config.catalogue.routes["gpt-4.1"].targets == ("main/gpt-4.1", "main/gpt-4.1-mini")
    assert config.catalogue.projects["analytics"].limits[Field.BUDGET] == 500 * 10**9
    assert not config.warnings


def test_every_commented_key_of_the_example_is_one_that_exists(tmp_path: Path) -> None:
    text, switched_on = re.subn(r"^# (?=\[|\w+ = )", "", example(), flags=re.MULTILINE)
    assert switched_on >= 18
    env = dict.fromkeys(("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "PROXY_LOGIN"), f"u:{KEY}")
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, text), env)
    (problem,) = refused.value.problems
    assert problem.key == ("upstreams", "main", "ca_file"), "this machine has none there"


def test_what_the_file_leaves_out_has_its_default(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert (config.listen_host, config.listen_port) == ("127.0.0.1", 8080)
    assert (config.request_window_s, config.token_window_s) == (10, 60)
    assert config.body_limit_bytes == 10_485_760
    assert config.socket == paths.runtime_socket()
    assert config.state == paths.state_dir()
    assert config.socket_group is None
    assert config.roles == {Role.VIEWER: (), Role.OPERATOR: (), Role.ADMIN: ()}


def test_a_project_has_exactly_the_limits_that_it_names(tmp_path: Path) -> None:
    text = changed(
        "rpm = 20",
        'name = "Analytics team"\ntpm = 80_000\nconcurrency = 4\ndaily_budget_usd = "12.50"\n'
        'zone = "Asia/Tokyo"\npriority = "high"\nmodels = ["gpt-4.1"]\nshadow = ["tpm", "budget"]',
    )
    project = loaded(tmp_path, text).catalogue.projects["analytics"]
    assert (project.id, project.name) == ("analytics", "Analytics team")
    assert project.limits == {
        Field.TPM: 80_000,
        Field.CONCURRENCY: 4,
        Field.BUDGET: 12_500_000_000,
    }
    assert (project.zone, project.priority) == ("Asia/Tokyo", Priority.HIGH)
    assert project.models == ("gpt-4.1",)
    assert project.shadow == {LimitKind.TPM, LimitKind.BUDGET}


@pytest.mark.parametrize(
    ("model", "usd", "rpm", "tpm", "max_input"),
    [
        ("claude-opus-4.7", 15, 50, 200_000, 180_000),
        ("gpt-4.1", 8, 500, 1_000_000, None),
        ("gemini-2.5-flash", 2.5, 1_000, 2_000_000, None),
        ("deepseek-v3.2", 0.42, 2_000, 4_000_000, None),
        ("something-new", 0, None, None, None),
    ],
)
def test_a_target_takes_what_is_known_of_its_model(
    tmp_path: Path, model: str, usd: float, rpm: int | None, tpm: int | None, max_input: int | None
) -> None:
    target = loaded(tmp_path, SMALL.replace("main/gpt-4.1", f"main/{model}")).catalogue.targets[
        f"main/{model}"
    ]
    pico = round(usd * 1_000_000)
    assert (target.price.input_pico, target.price.output_pico) == (pico, pico)
    assert (target.limits.get(Field.RPM), target.limits.get(Field.TPM)) == (rpm, tpm)
    assert target.max_input_tokens == max_input


def test_a_targets_own_figures_win_over_the_known_models(tmp_path: Path) -> None:
    own = (
        '[targets."main/gpt-4.1"]\ninput_usd = "2"\noutput_usd = "8.00"\ncached_input_usd = "0.5"\n'
        "rpm = 7\ntpm = 70\nmax_input_tokens = 900\nmax_output_tokens = 90\n"
    )
    target = loaded(tmp_path, changed('[targets."main/gpt-4.1"]\n', own)).catalogue.targets[
        "main/gpt-4.1"
    ]
    price = target.price
    assert (price.input_pico, price.output_pico) == (2_000_000, 8_000_000)
    assert (price.cached_input_pico, price.cache_write_pico) == (500_000, 2_500_000)
    assert target.limits == {Field.RPM: 7, Field.TPM: 70}
    assert (target.max_input_tokens, target.max_output_tokens) == (900, 90)


def test_a_prices_version_changes_with_the_price_and_with_nothing_else(tmp_path: Path) -> None:
    def version(more: str) -> str:
        text = changed('[targets."main/gpt-4.1"]\n', f'[targets."main/gpt-4.1"]\n{more}\n')
        return loaded(tmp_path, text).catalogue.targets["main/gpt-4.1"].price.version

    assert version("") == version('price_usd = "8"') == version("rpm = 3")
    assert version("") != version('price_usd = "8.000001"')
    assert version('input_usd = "8"\noutput_usd = "8"\ncached_input_usd = "1"') != version("")


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:8080", "::1", 8080),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("gw.lan:8443", "gw.lan", 8443),
    ],
)
def test_the_data_plane_may_listen_anywhere(
    tmp_path: Path, listen: str, host: str, port: int
) -> None:
    config = loaded(tmp_path, changed('name = "gw-test"', f'listen = "{listen}"'))
    assert (config.listen_host, config.listen_port) == (host, port)


def test_relative_paths_start_at_the_file_and_a_tilde_is_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/mika")
    text = changed('name = "gw-test"', 'socket = "~/gw.sock"\nstate = "state"')
    config = loaded(tmp_path, text)
    assert config.socket == Path("/home/mika/gw.sock")
    assert config.state == tmp_path / "state"


def test_an_upstream_on_this_machine_needs_neither_tls_nor_a_key(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:11434/v1/", "http://localhost:1/v1", "http://[::1]:1/v1"):
        text = changed('"https://api.example.com/v1"', f'"{url}"').replace(
            'key = { env = "UPSTREAM_KEY" }', "timeout_s = 0.5"
        )
        upstream = loaded(tmp_path, text).catalogue.upstreams["main"]
        assert (upstream.base_url, upstream.key) == (url.rstrip("/"), "")
        assert upstream.timeout_s == 0.5


def test_roles_name_users_and_groups(tmp_path: Path) -> None:
    text = SMALL + '[roles]\noperator = ["group:oncall", "user:mika"]\nadmin = ["group:platform"]\n'
    roles = loaded(tmp_path, text).roles
    assert roles[Role.OPERATOR] == ("group:oncall", "user:mika")
    assert roles[Role.ADMIN] == ("group:platform",)


@pytest.mark.parametrize(
    ("host", "more", "least"),
    [
        ("api.openai.com", "", 51),
        ("api.example.com", 'provider = "groq"', 56),
        ("api.openai.com", 'provider = "our-own"', 0),
        ("api.example.com", "", 0),
    ],
)
def test_a_key_looks_cut_only_where_its_provider_tells_a_length(
    tmp_path: Path, host: str, more: str, least: int
) -> None:
    text = changed("api.example.com", host).replace("key =", f"{more}\nkey =")
    config = load(written(tmp_path, text), {"UPSTREAM_KEY": "sk-short"})
    said = " ".join(config.warnings)
    assert ("upstream main has 8 characters; keys of" in said) == bool(least)
    assert (f"have {least} or more" in said) == bool(least)
    assert "sk-short" not in said


def test_the_config_is_a_value_that_never_shows_a_secret(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert config.catalogue.upstreams["main"].key == KEY
    assert KEY not in repr(config)
    with pytest.raises(FrozenInstanceError):
        config.name = "other"  # type: ignore[misc]


def test_a_name_that_a_terminal_would_obey_is_made_safe(tmp_path: Path) -> None:
    text = changed("rpm = 20", 'name = "\\u001b]52;c;aGk=\\u0007[@click=app.quit]"')
    assert loaded(tmp_path, text).catalogue.projects["analytics"].name == (
        "\ufffd]52;c;aGk=\ufffd[@click=app.quit]"
    )


def test_line_ends_and_marks_of_other_systems_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path, ENV).name == "gw-test"
