"""A thin line under ssh, as its ``ProxyCommand``: a byte a write, late, dead for a while and back.

    ssh -o ProxyCommand='python -m tests.soak.thin_line PORT --stall FILE' …

While the file ``--stall`` is there, nothing passes in either direction.
"""

import argparse
import os
import select
import socket
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--late", type=float, default=0.0005, help="seconds between two bytes")
    parser.add_argument("--stall", type=Path, required=True)
    asked = parser.parse_args()
    line = socket.create_connection(("127.0.0.1", asked.port))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    here = line.fileno()
    to = {0: here, here: 1}
    while True:
        for ready in select.select(list(to), [], [])[0]:
            while asked.stall.exists():
                select.select([], [], [], 0.05)
            byte = os.read(ready, 1)
            if not byte:
                return
            os.write(to[ready], byte)
        select.select([], [], [], asked.late)


if __name__ == "__main__":
    main()
