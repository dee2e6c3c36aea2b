"""What the config file says of an upstream: how it is reached, and what is known of it."""

from pathlib import Path

import pytest

from quotadeck.domain.catalogue import Upstream
from quotadeck.store.file_layer import file_layer
from quotadeck.wire.config import load
from tests.gateway.certificates import self_signed
from tests.wire.configs import ENV, KEY, SMALL, changed, refusal, written

_URL = "https://api.example.com/v1"
_KEY_LINE = 'key = { env = "UPSTREAM_KEY" }'


def upstream(tmp_path: Path, url: str, *lines: str, env: dict[str, str] | None = None) -> Upstream:
    text = changed(_URL, url).replace(_KEY_LINE, "\n".join(lines))
    return load(written(tmp_path, text), env or ENV).catalogue.upstreams["main"]


def told(tmp_path: Path, url: str, *lines: str) -> list[str]:
    text = changed(_URL, url).replace(_KEY_LINE, "\n".join(lines))
    return refusal(tmp_path, text).splitlines()


def test_http_leaves_the_machine_only_where_the_file_says_so(tmp_path: Path) -> None:
    (line,) = told(tmp_path, "http://10.0.0.5:8000/v1", _KEY_LINE)
    assert line.startswith('line 8, upstreams.main.base_url: found "http://10.0.0.5:8000"; ')
    assert "plain_http = true beside it" in line
    assert "can be read by all who see the traffic" in line
    found = upstream(tmp_path, "http://10.0.0.5:8000/v1", "plain_http = true")
    assert (found.base_url, found.key) == ("http://10.0.0.5:8000/v1", "")
    # By a proxy elsewhere it leaves the machine, too.
    far = 'proxy = "http://proxy.example:3128"'
    assert "plain_http" in told(tmp_path, "http://127.0.0.1:8000/v1", far)[0]
    upstream(tmp_path, "http://127.0.0.1:8000/v1", 'proxy = "http://127.0.0.1:3128"')


@pytest.mark.parametrize(
    ("url", "ending", "right"),
    [
        ("https://api.example.com/v1/chat/completions", "/chat/completions", '"https://api.example.com/v1"'),
        ("https://api.example.com/v1/completions/", "/completions", '"https://api.example.com/v1"'),
        ("https://api.example.com/responses", "/responses", '"https://api.example.com"'),
        ("https://api.example.com/v1/messages", "/messages", '"https://api.example.com/v1"'),
        ("https://api.example.com/v1/embeddings", "/embeddings", '"https://api.example.com/v1"'),
        ("https://api.example.com/v1/models", "/models", '"https://api.example.com/v1"'),
        ("https://api.example.com/v1/messages/count_tokens", "/messages/count_tokens", '/v1"'),
        ("https://api.example.com/T0pSECRET/responses", "/responses", "the address without it"),
    ],
)  # fmt: skip
def test_an_endpoint_in_place_of_the_root_is_refused_with_the_right_one(
    tmp_path: Path, url: str, ending: str, right: str
) -> None:
    (line,) = told(tmp_path, url, _KEY_LINE)
    found, _, allowed = line.partition("; allowed: ")
    assert f"found an endpoint at its end ({ending})" in found
    assert right in allowed
    assert "SECRET" not in line


def test_headers_are_text_or_secrets_by_reference_and_never_shown(tmp_path: Path) -> None:
    lines = (
        'headers = { x-portkey-provider = "openai", HTTP-Referer = "https://we.example/app",',
        'OpenAI-Organization = "org-of-the-company", api-key = { env = "UPSTREAM_KEY" } }',
    )
    for way in (("", " ".join(lines)), ("[upstreams.main.headers]", 'x = "a b"')):
        found = upstream(tmp_path, _URL, *way)
        assert found.key == ""
        for said in (repr(found), str(found)):
            assert "headers" not in said
            assert KEY not in said
    found = upstream(tmp_path, _URL, " ".join(lines))
    assert dict(found.headers)["api-key"] == KEY
    assert dict(found.headers)["x-portkey-provider"] == "openai"
    assert found.hidden == (KEY, "org-of-the-company"), "no ordinary word, and no address"
    config = load(written(tmp_path, SMALL.replace(_KEY_LINE, " ".join(lines))), ENV)
    recorded = file_layer(config.catalogue)
    assert b"org-of-the-company" not in recorded
    assert KEY.encode() not in recorded


@pytest.mark.parametrize(
    ("headers", "place", "said"),
    [
        ('{ Host = "x" }', "headers.Host", "the gateway writes this one itself"),
        ('{ content-length = "1" }', "headers.content-length", "writes this one itself"),
        ('{ Transfer-Encoding = "chunked" }', "headers.Transfer-Encoding", "writes this one"),
        ('{ Proxy-Authorization = "x" }', "headers.Proxy-Authorization", "writes this one"),
        ('{ "x y" = "1" }', "headers", "a header's name"),
        ('{ x-a = "1", X-A = "2" }', "headers.X-A", "each once, in any case"),
        ('{ x-a = "SECRET\\r\\nx-b: 1" }', "headers.x-a", "text in quotes"),
        ('{ x-a = "" }', "headers.x-a", "text in quotes"),
        ("{ x-a = 1 }", "headers.x-a", "text in quotes"),
        ('{ x-a = { env = "sk-SECRET" } }', "headers.x-a", "{ env ="),
        ('{ x-a = { value = "sk-SECRET" } }', "headers.x-a", "{ env ="),
        ('{ api-key = "sk-SECRET" }', "headers.api-key", "{ env ="),
        ('{ X-Portkey-Api-Key = "sk-SECRET" }', "headers.X-Portkey-Api-Key", "{ env ="),
        ('{ authorization = "Bearer sk-SECRET" }', "headers.authorization", "{ env ="),
        ('{ "sk-live-123SECRET" = 1 }', "headers", "text in quotes"),
        ('{ authorization = { env = "UPSTREAM_KEY" } }', "headers", "one of the two"),
        ('"sk-SECRET"', "headers", "a table such as"),
    ],
)
def test_headers_that_cannot_be_sent_are_told_without_their_values(
    tmp_path: Path, headers: str, place: str, said: str
) -> None:
    (line,) = told(tmp_path, _URL, _KEY_LINE, f"headers = {headers}")
    assert line.startswith(f"line 10, upstreams.main.{place}: found ")
    assert said in line
    assert "SECRET" not in line


def test_a_wrong_table_hides_no_wrong_value(tmp_path: Path) -> None:
    lines = told(
        tmp_path,
        "http://api.example.com/v1",
        'header = { x-a = "1" }',
        'headers = { Host = "x", x-b = 1 }',
        "timeout_s = 0",
        "[upstreams.main.extra.more]",
        'a = "b"',
    )
    keys = [line.partition(":")[0].partition("upstreams.main.")[2] for line in lines]
    wrong = ["base_url", "extra", "header", "headers.Host", "headers.x-b", "timeout_s"]
    assert sorted(keys) == wrong
    assert "did you mean headers?" in lines[keys.index("header")]
    assert not any("a name with dots" in line for line in lines)


def test_a_name_that_was_cut_hides_no_wrong_value(tmp_path: Path) -> None:
    text = SMALL + '[routes.gpt-9.1]\ntargets = ["main/gpt-4.1"]\n[projects.a]\nrpm = 0\n'
    text += "[projects.a.b]\ntpm = 1\n"
    lines = refusal(tmp_path, text).splitlines()
    assert '[routes."gpt-9.1"]' in lines[0]
    assert "projects.a.rpm: found 0" in lines[1]
    assert '[projects."a.b"]' in lines[2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('proxy = "https://proxy.example:3128"', "the address of an http proxy"),
        ('proxy = "proxy.example:3128"', "the address of an http proxy"),
        ('proxy = "http://user:SECRET@proxy.example:3128"', "proxy_login = {"),
        ('proxy_login = { env = "UPSTREAM_KEY" }', "proxy = the address of an http proxy"),
        ('ca_file = "absent.pem"', "no readable file (No such file or directory)"),
        ('ca_file = "config.toml"', "no certificates in PEM"),
        ('speaks = ["chat", "chat"]', "each form once"),
        ('speaks = ["chats"]', '"responses"'),
        ("speaks = []", 'a list of "chat"'),
        ('stream_usage = "maybe"', '"auto", "always" or "never"'),
        ('provider = "Open AI"', '"openai"'),
        ('query = { api-key = "SECRET" }', "{ env ="),
        ('query = { "a&b" = "c" }', "a parameter's name"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, line: str, said: str) -> None:
    (found,) = told(tmp_path, _URL, _KEY_LINE, line)
    assert said in found
    assert "SECRET" not in found


def test_a_login_has_a_name_and_a_password(tmp_path: Path) -> None:
    lines = 'proxy = "http://proxy.example:3128/"', 'proxy_login = { env = "LOGIN" }', _KEY_LINE
    found = upstream(tmp_path, _URL, *lines, env=ENV | {"LOGIN": "me:pass:word"})
    assert (found.proxy, found.proxy_login) == ("http://proxy.example:3128", "me:pass:word")
    assert {"me:pass:word", "pass:word"} < set(found.hidden)
    text = changed(_KEY_LINE, "\n".join(lines))
    line = refusal(tmp_path, text, ENV | {"LOGIN": "only-SECRET"})
    assert "USER:PASSWORD" in line
    assert "SECRET" not in line


def test_authorities_are_read_at_the_start(tmp_path: Path) -> None:
    self_signed(tmp_path)
    found = upstream(tmp_path, _URL, _KEY_LINE, 'ca_file = "cert.pem"')
    assert found.ca_file == str(tmp_path / "cert.pem")
    (line,) = told(tmp_path, "http://127.0.0.1:1/v1", 'ca_file = "cert.pem"')
    assert "beside an http address" in line


@pytest.mark.parametrize(
    ("url", "lines", "provider", "speaks"),
    [
        (_URL, (), "", ("chat", "completions", "embeddings")),
        ("https://api.openai.com/v1", (), "openai",
         ("chat", "completions", "embeddings", "responses")),
        ("https://api.anthropic.com/v1", (), "anthropic", ("messages",)),
        (_URL, ('provider = "anthropic"',), "anthropic", ("messages",)),
        (_URL, ('provider = "x-ai"', 'speaks = ["messages", "chat"]'), "x-ai",
         ("messages", "chat")),
    ],
)  # fmt: skip
def test_what_it_speaks_is_known_by_its_provider_or_said(
    tmp_path: Path, url: str, lines: tuple[str, ...], provider: str, speaks: tuple[str, ...]
) -> None:
    found = upstream(tmp_path, url, _KEY_LINE, *lines)
    assert (found.provider, found.speaks) == (provider, speaks)
    assert (found.stream_usage, found.bills_delivered) == ("auto", False)
