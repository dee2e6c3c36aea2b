"""Raw bytes that people, proxies and attackers send: what is a request, and what is none."""

NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
INNER = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"


def request(line: str, *fields: str, body: bytes = b"", host: str | None = "x") -> bytes:
    """A request as bytes, whatever it is."""
    lines = [line, *([] if host is None else [f"Host: {host}"]), *fields]
    return "".join(f"{one}\r\n" for one in lines).encode("latin-1") + b"\r\n" + body


def post(*fields: str, body: bytes = b"") -> bytes:
    return request("POST / HTTP/1.1", *fields, body=body)


def chunked(raw: bytes, *fields: str) -> bytes:
    return post("Transfer-Encoding: chunked", *fields, body=raw)


FINE = {
    "get": (request("GET / HTTP/1.1"), b""),
    "absolute form": (request("GET http://x/ HTTP/1.1"), b""),
    "host with port": (request("GET / HTTP/1.1", host="x:8080"), b""),
    "empty host": (request("GET / HTTP/1.1", host=""), b""),
    "ipv6 host": (request("GET / HTTP/1.1", host="[::1]:80"), b""),
    "options": (request("OPTIONS * HTTP/1.1"), b""),
    "unknown method": (request("BREW / HTTP/1.1"), b""),
    "sized": (post("Content-Length: 3", body=b"abc"), b"abc"),
    "empty body": (post("Content-Length: 0"), b""),
    "leading zeros": (post("Content-Length: 003", body=b"abc"), b"abc"),
    "expect": (post("Content-Length: 3", "Expect: 100-continue", body=b"abc"), b"abc"),
    "chunked": (chunked(b"3\r\nabc\r\n0\r\n\r\n"), b"abc"),
    "chunked in capitals": (
        post("TRANSFER-ENCODING: Chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
        b"abc",
    ),
    "one-byte chunks": (
        chunked(b"".join(b"1\r\n%c\r\n" % c for c in b"abc") + b"0\r\n\r\n"),
        b"abc",
    ),
    "chunk extension": (chunked(b'3;a="b"\r\nabc\r\n0\r\n\r\n'), b"abc"),
    "trailers": (chunked(b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"), b"abc"),
    "smuggled in a body": (post(f"Content-Length: {len(INNER)}", body=INNER), INNER),
    "smuggled in a chunk": (chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(INNER), INNER)), INNER),
    "upgrade with a body": (
        post(
            "Connection: Upgrade",
            "Upgrade: websocket",
            f"Content-Length: {len(INNER)}",
            body=INNER,
        ),
        INNER,
    ),
    "h2c": (
        post(
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AAEAAEAA",
            f"Content-Length: {len(INNER)}",
            body=INNER,
        ),
        INNER,
    ),
    "blanks around values": (request("GET / HTTP/1.1", "A: \t b \t"), b""),
    "latin-1 in a value": (request("GET / HTTP/1.1", "A: \xe9"), b""),
    "empty lines before": (b"\r\n\r\n" + request("GET / HTTP/1.1"), b""),
}
BAD = {
    "length and chunked": post("Content-Length: 3", "Transfer-Encoding: chunked"),
    "chunked and length": post("Transfer-Encoding: chunked", "Content-Length: 3"),
    "two lengths": post("Content-Length: 3", "Content-Length: 3"),
    "two lengths that differ": post("Content-Length: 3", "Content-Length: 4"),
    "length list": post("Content-Length: 3, 3"),
    "length plus": post("Content-Length: +3"),
    "length minus": post("Content-Length: -3"),
    "length hexadecimal": post("Content-Length: 0x3"),
    "length underscore": post("Content-Length: 1_0"),
    "length of 30 digits": post("Content-Length: " + "1" * 30),
    "length empty": post("Content-Length:"),
    "length in other digits": post("Content-Length: \xb2"),
    "gzip, chunked": post("Transfer-Encoding: gzip, chunked"),
    "chunked, identity": post("Transfer-Encoding: chunked, identity"),
    "two codings": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "coding identity": post("Transfer-Encoding: identity"),
    "coding with a tab within": post("Transfer-Encoding: chun\tked"),
    "chunked in 1.0": request("POST / HTTP/1.0", "Transfer-Encoding: chunked"),
    "folded line": request("GET / HTTP/1.1", "A: b", " c: d"),
    "blank before the colon": request("GET / HTTP/1.1", "A : b"),
    "no colon": request("GET / HTTP/1.1", "A"),
    "empty name": request("GET / HTTP/1.1", ": b"),
    "nul in a value": request("GET / HTTP/1.1", "A: \0"),
    "bare cr in a value": request("GET / HTTP/1.1", "A: b\rc"),
    "bare lf in a value": request("GET / HTTP/1.1", "A: b\nc"),
    "lines end in lf": b"GET / HTTP/1.1\nHost: x\n\n",
    "no host": request("GET / HTTP/1.1", host=None),
    "two hosts": request("GET / HTTP/1.1", "Host: y"),
    "host is a list": request("GET / HTTP/1.1", host="x, y"),
    "host with a path": request("GET / HTTP/1.1", host="x/y"),
    "http 2.0": request("GET / HTTP/2.0"),
    "http 1.2": request("GET / HTTP/1.2"),
    "http 0.9": b"GET /\r\n\r\n",
    "http in small letters": request("GET / http/1.1"),
    "no target": request("GET HTTP/1.1"),
    "two blanks": request("GET  / HTTP/1.1"),
    "blank before": b" " + request("GET / HTTP/1.1"),
    "target with a blank": request("GET /a b HTTP/1.1"),
    "target not a path": request("GET x HTTP/1.1"),
    "connect": request("CONNECT x:80 HTTP/1.1", host="x:80"),
    "h2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "garbage": b"\xff\xfe\x00garbage\r\n\r\n",
    "chunk 0x": chunked(b"0x3\r\nabc\r\n0\r\n\r\n"),
    "chunk minus": chunked(b"-3\r\nabc\r\n0\r\n\r\n"),
    "chunk of 17 digits": chunked(b"00000000000000003\r\nabc\r\n0\r\n\r\n"),
    "chunk lines end in lf": chunked(b"3\nabc\n0\n\n"),
    "chunk longer than told": chunked(b"3\r\nabcd\r\n0\r\n\r\n"),
    "chunk with a blank": chunked(b"3 \r\nabc\r\n0\r\n\r\n"),
    "nul in an extension": chunked(b"3;\0\r\nabc\r\n0\r\n\r\n"),
    "lf in an extension": chunked(b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    "trailer of framing": chunked(b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "trailer without a colon": chunked(b"3\r\nabc\r\n0\r\nX\r\n\r\n"),
}
TOO_LARGE = {
    "long field": request("GET / HTTP/1.1", "A: " + "x" * 40_000),
    "many fields": request("GET / HTTP/1.1", *["A: b"] * 300),
    "long target": request("GET /" + "x" * 40_000 + " HTTP/1.1"),
    "long trailers": chunked(b"0\r\nA: " + b"x" * 40_000 + b"\r\n\r\n"),
}
LAST = {
    "1.0": request("GET / HTTP/1.0", host=None),
    "1.0 that would stay": request(
        "POST / HTTP/1.0", "Content-Length: 3", "Connection: keep-alive", body=b"abc"
    ),
    "close": request("GET / HTTP/1.1", "Connection: close"),
    "close in a list": request("GET / HTTP/1.1", "Connection: keep-alive, Close"),
    "close in a second line": request("GET / HTTP/1.1", "Connection: x", "Connection: close"),
}
