"""What a request is called beside our own id: by its caller, and in its caller's trace.

Both are for people who look for it; nothing is decided by them. They go to the upstream with it.
Sources: OpenAI's API reference, "Supplying your own request ID with X-Client-Request-Id"; W3C Trace
Context, 3.2 "Traceparent Header".
"""

import re
from collections.abc import Mapping
from typing import Final

from quotadeck.domain.ids import MAX_REQUEST_ID
from quotadeck.domain.refusals import BadHeader
from quotadeck.domain.text import clean
from quotadeck.gateway.data.arrival import Arrival

_OWS: Final = b" \t"
_NAME: Final = re.compile(rb"[!-~]{1,%d}" % MAX_REQUEST_ID)
_TRACE: Final = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{0,200})?"
)
_FIRST_VERSION: Final = b"00"
"""Of which it is known that nothing follows."""


def named(arrival: Arrival, headers: Mapping[bytes, bytes]) -> Arrival:
    """With the caller's own name for the request and its trace, where it sent them.

    X-Request-Id is a name where there is no other: a proxy before us may set it, so it need not be
    fit to be sent on. Raises BadHeader for an X-Client-Request-Id that is not 1 to 256 visible
    ASCII characters. A traceparent that is none is ignored, as W3C asks.
    """
    theirs = headers.get(b"x-client-request-id") or headers.get(b"x-request-id")
    trace = headers.get(b"traceparent")
    if not theirs and not trace:
        return arrival
    name, trace_id, lines = "", "", ""
    if theirs:
        theirs = theirs.strip(_OWS)
        if _NAME.fullmatch(theirs):
            name = theirs.decode("ascii")
            lines = f"\r\nx-client-request-id: {name}"
        elif b"x-client-request-id" in headers:
            what = f"must be 1 to {MAX_REQUEST_ID} visible ASCII characters"
            raise BadHeader("X-Client-Request-Id", what)
        else:
            name = clean(theirs.decode("utf-8", "replace"), MAX_REQUEST_ID)
    if trace:
        found = _TRACE.fullmatch(trace.strip(_OWS))
        if found and not (found[1] == _FIRST_VERSION and found[3]):
            trace_id = found[2].decode("ascii")
            lines += f"\r\ntraceparent: {found[0].decode('ascii')}"
    return arrival._replace(client_request_id=name, trace_id=trace_id, lines=lines)
