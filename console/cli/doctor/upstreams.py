"""Checks of the providers: does the address answer, is the key taken, are the models there."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

from console.cli.doctor.finding import Finding, fail, ok, warn
from console.domain.catalogue import Catalogue, Upstream
from console.domain.text import clean

TIMEOUT_S = 5.0
AT_ONCE = 8


def upstreams(catalogue: Catalogue) -> Iterable[Finding]:
    """Ask every upstream for its models, with its key, several at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: _ask(one, catalogue), catalogue.upstreams.values()))


def _ask(one: Upstream, catalogue: Catalogue) -> Finding:
    check, url = f"upstream {one.name}", f"{one.base_url}/models"
    headers = {"Authorization": f"Bearer {one.key}"} if one.key else {}
    try:
        response = httpx.get(url, headers=headers, timeout=TIMEOUT_S)
    except httpx.TimeoutException:
        return fail(check, f"{url} did not answer within {TIMEOUT_S:g} s", "is it the right host?")
    except (httpx.HTTPError, httpx.InvalidURL) as gone:
        return fail(check, f"{url}: {clean(str(gone), 160)}", "check base_url, DNS, proxy and TLS")
    if response.status_code in (401, 403):
        words = f"{url} answers {response.status_code}: the key is refused"
        return fail(check, words, "make a new key at the provider and put it where `key` points")
    if not response.is_success:
        words = f"{url} answers {response.status_code}"
        return warn(check, words, "reachable, but it lists no models: see that base_url is right")
    return _models(check, response, one, catalogue)


def _models(check: str, response: httpx.Response, one: Upstream, catalogue: Catalogue) -> Finding:
    try:
        offered = {str(model["id"]) for model in response.json()["data"]}
    except (ValueError, KeyError, TypeError):
        words = f"{one.base_url}/models answers something that is no list of models"
        return warn(check, words, "see that base_url is the root of an OpenAI-compatible API")
    wanted = [t.model for t in catalogue.targets.values() if t.upstream == one.name]
    absent = [model for model in wanted if model not in offered]
    took = f"{response.elapsed.total_seconds() * 1000:.0f} ms"
    if absent:
        names = clean(", ".join(absent), 200)
        return warn(check, f"answers in {took}, but does not offer {names}", "check the targets")
    return ok(check, f"answers in {took} and offers all {len(wanted)} targets' models")
