"""The head of an HTTP/1 request, read by the letter of RFC 9112: one meaning, or a refusal.

What two readers could understand differently lets one tenant's bytes be taken for another's where
a proxy shares connections: so nothing is guessed, repaired or passed over.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from quotadeck.gateway.connection.exchange import Header

HEAD_LIMIT_BYTES: Final = 32 * 1024
"""Of the target and the fields together; also of what else is not body."""

MOST_FIELDS: Final = 256
"""Several times what clients and proxies send. Each costs time, however short it is."""

_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_FIELD: Final = rb"%b:[\t -~\x80-\xff]*+" % _TOKEN
_FIELDS: Final = re.compile(rb"(?:\r\n%b)*" % _FIELD)
_METHOD: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}"
_LINE: Final = re.compile(rb"(%b) ([!\"$-~]++) HTTP/1\.([01])" % _METHOD)  # a target has no "#"
_HEAD: Final = re.compile(rb"%b(%b)\r\n\r\n" % (_LINE.pattern, _FIELDS.pattern))
_BROKEN: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n|\Z)")
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)*")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?]++)(.*+)", re.IGNORECASE)
# No comma, which a host's name may have and none does: a proxy may have joined two hosts by it.
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+;=-]*+|\[[0-9A-Fa-f:.]++\])(?::[0-9]{0,5})?")
_FRAMING: Final = re.compile(rb"\r\n(?:content-length|transfer-encoding|host):", re.IGNORECASE)
_LENGTH_DIGITS: Final = 18
_LINE_EXTRA_BYTES: Final = 64
"""The rest of a request line, method and version, is no part of the limit."""


class BadRequest(Exception):
    """These bytes are no request that is taken here; the text says why. Ends the connection."""

    status: int = 400


class HeadTooLarge(BadRequest):
    """More than 32 KB that are not body, or more than 256 fields."""

    status = 431

    def __init__(self) -> None:
        super().__init__("The request's headers are larger than 32 KB, or more than 256.")


class GoingDown(BadRequest):
    """The rest of a request is waited for no longer."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The gateway is restarting, and this request was not whole; ask again.")


class RequestHead(NamedTuple):
    """A request's head; a tuple because one is made for each request, and quickly."""

    method: str
    path: bytes
    """As sent, percent signs and all."""
    query: bytes
    version: str
    headers: list[Header]
    """Names in lower case, values without the blanks around them, in the order sent."""
    body_bytes: int | None
    """The length of the body; None where it comes in chunks."""
    keep_alive: bool
    """False: nothing that follows on the connection is read."""
    expects_continue: bool


def drop_empty_lines(held: bytearray) -> int:
    """Take away the empty lines before a request (RFC 9112, 2.2); how many bytes they were."""
    found = _EMPTY_LINES.match(held)
    size = found.end() if found else 0
    del held[:size]
    return size


def end_of_head(held: bytearray, seen: int) -> int:
    """Where the head at the beginning of ``held`` ends; 0 while it is not whole.

    ``seen`` bytes of it were looked at before. Raises BadRequest as soon as it cannot become one.
    """
    end = held.find(b"\r\n\r\n", max(0, seen - 3)) + 4
    if end > 3:
        return end
    line, complete, _ = held.partition(b"\r\n")
    if complete:
        _line(bytes(line))
    must_be_whole_lines(held, seen)
    if len(held) > HEAD_LIMIT_BYTES + _LINE_EXTRA_BYTES:
        raise HeadTooLarge
    return 0


def must_be_whole_lines(held: bytearray, seen: int) -> None:
    """Raises BadRequest where a line ends in anything but CRLF, or holds a control character."""
    if _BROKEN.search(held, max(0, seen - 1)):
        raise BadRequest("A line of the request's head holds a control character, or a bare CR/LF.")


def read_head(raw: bytes | bytearray) -> RequestHead:
    """A whole head, up to and with its empty line. Raises BadRequest or HeadTooLarge."""
    if raw.count(b"\n") > MOST_FIELDS + 2:  # the first line, and the empty one
        raise HeadTooLarge
    found = _HEAD.fullmatch(raw)
    if found is None:
        raise BadRequest(_what_is_wrong(bytes(raw)))
    method, target, minor, block = found.groups()
    if len(target) + len(block) > HEAD_LIMIT_BYTES:
        raise HeadTooLarge
    headers = []
    for line in block.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        headers.append((name.lower(), value.strip()))
    named = dict(headers)
    connection = named.get(b"connection", b"")
    if len(named) != len(headers):
        _must_be_single(headers)
        connection = b",".join(value for name, value in headers if name == b"connection")
    path = target
    if not target.startswith(b"/") or method == b"CONNECT":
        path, headers = _other_form(method, target, headers)
    path, _, query = path.partition(b"?")
    host = named.get(b"host")
    if (host is None and minor == b"1") or (host and not _HOST.fullmatch(host)):
        raise BadRequest("An HTTP/1.1 request has one Host header with a host's name.")
    body_bytes = _body_bytes(named, minor)
    expects = named.get(b"expect", b"").lower() == b"100-continue"
    return RequestHead(
        method.decode("ascii"),
        path,
        query,
        "1.1" if minor == b"1" else "1.0",
        headers,
        body_bytes,
        minor == b"1" and _stays(connection),
        expects and minor == b"1" and body_bytes != 0,
    )


def read_fields(block: bytes) -> None:
    """Check trailers, each field with a CRLF before it. Raises BadRequest.

    They go nowhere; but another may take them for headers, so they must not speak of framing.
    """
    if not _FIELDS.fullmatch(block):
        raise BadRequest("A trailer is no 'name: value' line.")
    if _FRAMING.search(block):
        raise BadRequest("A trailer is named Content-Length, Transfer-Encoding or Host.")


def _stays(connection: bytes) -> bool:
    """Upgrade is no reason to go: it is ignored (RFC 9110, 7.8), and the body is the body."""
    if not connection or connection == b"keep-alive":
        return True
    return b"close" not in [option.strip().lower() for option in connection.split(b",")]


def _body_bytes(named: dict[bytes, bytes], minor: bytes) -> int | None:
    length, coding = named.get(b"content-length"), named.get(b"transfer-encoding")
    if coding is None:
        if length is None:
            return 0
        if not length.isdigit() or len(length) > _LENGTH_DIGITS:
            raise BadRequest("The Content-Length is no number of bytes.")
        return int(length)
    if length is not None:
        raise BadRequest("The request has both Content-Length and Transfer-Encoding.")
    if coding.lower() != b"chunked" or minor == b"0":
        raise BadRequest("The only Transfer-Encoding taken here is 'chunked', in HTTP/1.1.")
    return None


def _must_be_single(headers: Iterable[Header]) -> None:
    names = [name for name, _ in headers]
    for name in (b"host", b"content-length", b"transfer-encoding"):
        if names.count(name) > 1:
            raise BadRequest(f"The request has more than one {name.decode().title()} header.")


def _line(raw: bytes) -> None:
    if not _LINE.fullmatch(raw):
        raise BadRequest("The first line is no 'METHOD /path HTTP/1.1'.")


def _what_is_wrong(raw: bytes) -> str:
    first, *lines = raw[:-4].split(b"\r\n")
    _line(first)
    for number, line in enumerate(lines, 1):
        if not _FIELDS.fullmatch(b"\r\n" + line):
            return f"Header line {number} is no 'name: value' in one line of plain characters."
    return "The request's head is no HTTP/1.1."


def _other_form(method: bytes, target: bytes, headers: list[Header]) -> tuple[bytes, list[Header]]:
    """The path of a target that does not begin with a slash (RFC 9112, 3.2.2 to 3.2.4)."""
    if target == b"*" and method == b"OPTIONS":
        return target, headers
    found = _ABSOLUTE.fullmatch(target)
    if method == b"CONNECT" or not found or not _HOST.fullmatch(found[1]):
        raise BadRequest("The target is no path: this is no proxy, and opens no tunnel.")
    # What the target says stands above the Host header, which must be ignored.
    told = [(name, found[1] if name == b"host" else value) for name, value in headers]
    rest = found[2]
    return rest if rest.startswith(b"/") else b"/" + rest, told
