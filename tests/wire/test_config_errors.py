"""What a bad config file is told: the place, what was found, what is allowed; never a secret."""

from pathlib import Path

import pytest

from quotadeck.wire.config import ConfigError, load
from tests.wire.configs import ENV, SMALL, changed, refusal, written


@pytest.mark.parametrize(
    ("old", "new", "place", "found", "allowed"),
    [
        ("rpm = 20", "rpm = 0", "line 5, projects.analytics.rpm", "0", "from 1 to"),
        ("rpm = 20", "rpm = 20.0", "line 5, projects.analytics.rpm", "20.0", "whole number"),
        ("rpm = 20", "rpm = true", "line 5, projects.analytics.rpm", "true", "whole number"),
        ("rpm = 20", 'rpm = "20"', "line 5, projects.analytics.rpm", '"20"', "whole number"),
        ("rpm = 20", "rpm = 10000000000000", "line 5", "10000000000000", "1_000_000_000_000"),
        ("rpm = 20", "rpmm = 20", "line 5, projects.analytics.rpmm", "unknown key", "rpm"),
        ("rpm = 20", "concurrency = -1", "line 5", "-1", "from 1 to 100_000"),
        ("rpm = 20", "daily_budget_usd = 12.5", "line 5", "12.5", 'as text, such as "12.50"'),
        ("rpm = 20", 'daily_budget_usd = "-1"', "line 5", '"-1"', "over 0"),
        ("rpm = 20", 'daily_budget_usd = "0.00"', "line 5", '"0.00"', "over 0"),
        ("rpm = 20", 'daily_budget_usd = "1e999999999"', "line 5", "1e99", "at most a billion"),
        ("rpm = 20", 'daily_budget_usd = "NaN"', "line 5", '"NaN"', "dollars"),
        ("rpm = 20", 'daily_budget_usd = "0.0000000001"', "line 5", "0.0", "nine decimals"),
        ("rpm = 20", 'zone = "Asia/Tokio"', "line 5", '"Asia/Tokio"', "did you mean Asia/Tokyo"),
        ("rpm = 20", 'zone = "../../etc/passwd"', "line 5", "passwd", "IANA"),
        ("rpm = 20", 'zone = "America"', "line 5", '"America"', "IANA"),
        ("rpm = 20", 'priority = "urgent"', "line 5", '"urgent"', '"high", "medium" or "low"'),
        ("rpm = 20", 'shadow = ["rpm", "cost"]', "projects.analytics.shadow[1]", '"cost"', "tpm"),
        ("rpm = 20", "models = []", "line 5", "a list", "at least one"),
        ("rpm = 20", 'models = ["gpt-4.2"]', "models[0]", "no route", "did you mean gpt-4.1"),
        ("rpm = 20", 'name = ""', "line 5, projects.analytics.name", '""', "1 to 80"),
        ("[projects.analytics]", '[projects."Data Team"]', "line 4", '"Data Team"', "data-team"),
        ("[projects.analytics]", '[projects.""]', "line 4", '""', "a-z 0-9"),
        ("[projects.analytics]", "[project.analytics]", "project", "unknown table", "projects"),
        ("[projects.analytics]", "[[projects]]", "line 4, projects", "a list", "[projects.NAME]"),
        ('name = "gw-test"', 'listen = "8080"', "line 2, gateway.listen", '"8080"', "HOST:PORT"),
        ('name = "gw-test"', 'listen = "::1:8080"', "line 2", '"::1:8080"', "[::1]:8080"),
        ('name = "gw-test"', 'listen = "host:99999"', "line 2", "99999", "HOST:PORT"),
        ('name = "gw-test"', "request_window_s = 0", "line 2", "0", "1 to 300"),
        ('name = "gw-test"', "body_limit_bytes = 10", "line 2", "10", "1_024"),
        ('name = "gw-test"', "name = 1979-05-27", "line 2", "a date", "text"),
        ('name = "gw-test"', 'state = "~nobody-here/x"', "line 2", "nobody-here", "a path"),
        ('"https://api', '"http://api', "upstreams.main.base_url", "http://api", "https address"),
        ('"https://api', '"ftp://api', "upstreams.main.base_url", '"ftp://api', "an https address"),
        ("api.example.com", "", "upstreams.main.base_url", "not shown", "an https address"),
        ("api.example.com", "api.example.com:x", "base_url", "api.example.com:x", "https"),
        ('key = { env = "UPSTREAM_KEY" }', "", "line 7, upstreams.main", "no key", "{ env ="),
        ('key = { env = "UPSTREAM_KEY" }', "key = {}", "line 9", "not shown", "{ env ="),
        ('"main/gpt-4.1"]\n\n', '"other/gpt-4.1"]\n\n', "line 11", '"other"', "known here: main"),
        ('"main/gpt-4.1"]\n\n', '"gpt-4.1"]\n\n', "line 11", '"gpt-4.1"', "UPSTREAM/MODEL"),
        ('targets = ["main/gpt-4.1"]', 'targets = ["main/gpt-4"]', "targets[0]",
         '"main/gpt-4"', "did you mean main/gpt-4.1?"),
        ('targets = ["main/gpt-4.1"]', "targets = []", "line 14", "an empty list",
         "at least one target"),
        ('targets = ["main/gpt-4.1"]', "", "line 13", "nothing", "at least one target"),
        ('targets = ["main/gpt-4.1"]', 'targets = ["main/gpt-4.1", "main/gpt-4.1"]',
         "targets[1]", "twice", "each target once"),
        ('[routes."gpt-4.1"]', "[routes.gpt-4.1]", "line 13", "inside", '[routes."gpt-4.1"]'),
        ('[routes."gpt-4.1"]', '[routes."gpt 4"]', "line 13", '"gpt 4"', "1 to 200"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_place_finding_and_remedy(
    tmp_path: Path, old: str, new: str, place: str, found: str, allowed: str
) -> None:
    text = refusal(tmp_path, changed(old, new))
    line = next(line for line in text.splitlines() if found in line and allowed in line)
    assert place in line.partition(": found ")[0]


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ('price_usd = "8"\ninput_usd = "2"', "input_usd beside price_usd"),
        ('input_usd = "2"', "only input_usd"),
        ('cached_input_usd = "2"', "only cached_input_usd"),
        ("price_usd = 8", "found 8"),
        ('price_usd = "0.0000001"', '"0.0000001"'),
    ],
)
def test_prices_that_leave_a_doubt_are_refused(tmp_path: Path, keys: str, found: str) -> None:
    text = changed('[targets."main/gpt-4.1"]\n', f'[targets."main/gpt-4.1"]\n{keys}\n')
    assert found in refusal(tmp_path, text)


def test_every_mistake_of_a_file_is_told_at_once_in_its_order(tmp_path: Path) -> None:
    text = SMALL.replace("rpm = 20", 'rpm = "many"\nzone = "Mars/Base"').replace(
        'targets = ["main/gpt-4.1"]', 'targets = ["main/other"]'
    )
    lines = refusal(tmp_path, text, env={}).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["line 5", "line 10", "line 15"]
    lines = refusal(tmp_path, text.replace('"many"', "3"), env={}).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["line 6", "line 10", "line 15"]


def test_an_error_starts_with_the_file_and_keeps_its_parts(tmp_path: Path) -> None:
    path = written(tmp_path, changed("rpm = 20", "rpm = 0"))
    with pytest.raises(ConfigError) as refused:
        load(path, ENV)
    (problem,) = refused.value.problems
    assert (problem.line, problem.key) == (5, ("projects", "analytics", "rpm"))
    assert str(refused.value).startswith(f"{path}: line 5, projects.analytics.rpm: found 0; ")


def test_the_missing_environment_variable_is_named(tmp_path: Path) -> None:
    assert "UPSTREAM_KEY is not set" in refusal(tmp_path, SMALL, env={})
    assert "UPSTREAM_KEY is empty" in refusal(tmp_path, SMALL, env={"UPSTREAM_KEY": " "})


@pytest.mark.parametrize(
    "line",
    [
        'key = "sk-live-SECRET"',
        'key = ["sk-live-SECRET"]',
        'key = { env = "sk-live-SECRET" }',
        'key = { env = 5, file = "sk-live-SECRET" }',
        'key = { value = "sk-live-SECRET" }',
        'key = { "sk-live-SECRET" = 1 }',
        'api_key = "sk-live-SECRET"',
        'base_url = "https://user:SECRET@api.example.com"',
        'base_url = "https://api.example.com/v1?key=SECRET"',
        'base_url = "http://api.example.com/SECRET"',
        'base_url = "SECRET"',
    ],
)
def test_a_secret_in_the_wrong_place_is_never_repeated(tmp_path: Path, line: str) -> None:
    key = line.partition(" ")[0]
    old = 'key = { env = "UPSTREAM_KEY" }' if key != "base_url" else SMALL.splitlines()[7]
    told = refusal(tmp_path, changed(old, line))
    assert f"upstreams.main.{key}" in told
    assert "SECRET" not in told


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("[gateway]\nname = \n", 2, "Invalid value"),
        ("[gateway]\n[gateway]\n", 2, "Cannot declare"),
        ('[gateway]\n\n\nname = "open', 4, "no valid TOML"),
        ("[targets.main/gpt-4.1]\n", 1, 'stands in quotes: [targets."main/gpt-4.1"]'),
        ("\x00", 1, "no valid TOML"),
        ("x = " + "[" * 5_000, None, "nested too deep"),
        ("x = " + "9" * 5_000, 1, "no valid TOML"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, found: str
) -> None:
    told = refusal(tmp_path, text)
    assert found in told
    assert told.startswith(f"line {line}: " if line else "the whole file: ")


def test_a_file_that_cannot_be_read_says_why_and_what_writes_one(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(ConfigError, match="quotadeck init") as refused:
            load(path, ENV)
        assert str(path) in str(refused.value)
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# ok\n# \xff\n")
    with pytest.raises(ConfigError, match="line 2"):
        load(path, ENV)


def test_an_empty_file_says_what_a_gateway_needs(tmp_path: Path) -> None:
    told = refusal(tmp_path, "")
    assert "at least one table [projects.SLUG]" in told
    assert 'at least one table [routes."MODEL"]' in told


def test_a_socket_path_that_no_system_binds_is_refused(tmp_path: Path) -> None:
    text = changed('name = "gw-test"', f'socket = "/run/{"x" * 120}"')
    told = refusal(tmp_path, text)
    assert "line 2, gateway.socket" in told
    assert "125 bytes" in told


def test_lines_are_found_through_every_spelling_of_toml(tmp_path: Path) -> None:
    text = (
        'gateway = { name = "x" } # [no.table]\n'
        "[projects]\n"
        'note.rpm = 3\nnote.name = """\n[routes]\nrpm = 1\n"""\n'
        "note.models = [\n  'a',\n  'b', # ]\n]\n"
        "[ projects . 'other' ]\n\"rpm\"=0\n"
        '[upstreams.main]\nbase_url="http://[::1]:1"\n'
        '[targets."main/gpt-4.1"]\n[routes."gpt-4.1"]\ntargets = ["main/gpt-4.1"]\n'
    )
    told = refusal(tmp_path, text)
    assert "line 8, projects.note.models[0]: " in told
    assert "line 13, projects.other.rpm: " in told


def test_hostile_text_is_told_in_a_form_that_no_terminal_obeys(tmp_path: Path) -> None:
    hostile = '"\\u001b]52;c;aGk=\\u0007\\u202E"'
    for text in (
        changed("rpm = 20", f"zone = {hostile}"),
        changed("rpm = 20", f"{hostile} = 1"),
        changed("[projects.analytics]", f"[projects.{hostile}]"),
        changed('targets = ["main/gpt-4.1"]', f"targets = [{hostile}]"),
        changed("[gateway]", f"[{hostile}]"),
    ):
        told = refusal(tmp_path, text)
        assert not set(told) & {"\x1b", "\x07", "\u202e"}
        assert "]52;c;aGk=" in told


def test_a_thousand_mistakes_are_told_in_under_five_seconds(tmp_path: Path) -> None:
    many = "".join(f"[projects.p{n}]\nrpm = 0\n" for n in range(1_000))
    lines = refusal(tmp_path, SMALL + many).splitlines()
    assert len(lines) == 1_000
    assert "line 2014, projects.p999.rpm" in lines[-1]
