"""The proxies that the environment names, by the URL patterns of an HTTP library's ``mounts``.

As the libraries read them for clients of their own: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY``
and ``NO_PROXY``, in any case of letters.
"""

from ipaddress import ip_address
from urllib.request import getproxies


def proxies() -> dict[str, str | None]:
    """None: no proxy there."""
    named = getproxies()
    found: dict[str, str | None] = {
        f"{scheme}://": url if "://" in url else f"http://{url}"
        for scheme in ("http", "https", "all")
        if (url := named.get(scheme))
    }
    for host in map(str.strip, named.get("no", "").split(",")):
        if host == "*":
            return {}
        if host:
            found[_pattern(host)] = None
    return found


def _pattern(host: str) -> str:
    """A bare name stands for itself and all below it; ``[::1]`` and ``*.local`` for themselves."""
    if "://" in host:
        return host
    address, slash, subnet = host.partition("/")
    try:
        version = ip_address(address).version
    except ValueError:
        as_it_is = host.lower() == "localhost" or host.startswith(("[", "*."))
        return f"all://{host}" if as_it_is else f"all://*{host}"
    return f"all://{host}" if version == 4 else f"all://[{address}]{slash}{subnet}"
