"""Lines of a reply's head, ready to be written, whatever the values hold."""

_MAX_VALUE = 300


def line(name: bytes, value: str) -> bytes:
    """``name: value`` and its line end; what is no printable ASCII in the value becomes ``?``.

    So no value ends its line and begins another.
    """
    if not (value.isascii() and value.isprintable()):
        value = "".join(c if c.isascii() and c.isprintable() else "?" for c in value)
    return b"%b: %b\r\n" % (name, value[:_MAX_VALUE].encode())


def upstream_id_line(name: str) -> bytes:
    """What the upstream calls the request, which is clean already."""
    return b"x-upstream-request-id: %b\r\n" % name.encode("ascii", "replace")


def wait_lines(wait_ms: int | None) -> bytes:
    """``retry-after`` in whole seconds, rounded up, and ``retry-after-ms`` exactly."""
    if wait_ms is None:
        return b""
    return b"retry-after: %d\r\nretry-after-ms: %d\r\n" % (
        max(1, -(-wait_ms // 1_000)),
        max(1, wait_ms),
    )
