"""A relay between a program and our terminal that trickles: one byte a write, both ways.

    python -m tests.relay --us 200 -- quotadeck --socket …

The program has a pty of its own, as behind ssh; keys and frames come to it and from it byte by
byte, so many microseconds apart, and while we wait nobody reads what it writes.
"""

import argparse
import fcntl
import os
import pty
import select
import signal
import sys
import termios
import tty


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--us", type=int, default=0, help="microseconds between two bytes")
    parser.add_argument("--keys-us", type=int, default=0, help="the same, of what is typed")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    child, there = pty.fork()
    if child == 0:
        os.execvp(asked.command[0], asked.command)

    def resized(*_: object) -> None:
        size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(there, termios.TIOCSWINSZ, size)

    signal.signal(signal.SIGWINCH, resized)
    resized()
    tty.setraw(0)
    waits = {0: asked.keys_us / 1e6, there: asked.us / 1e6}
    to = {0: there, there: 1}
    while True:
        for ready in select.select([0, there], [], [])[0]:
            try:
                byte = os.read(ready, 1)
            except OSError:  # Linux reports the closed other end so
                byte = b""
            if not byte:
                return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            os.write(to[ready], byte)
            if waits[ready]:
                select.select([], [], [], waits[ready])


if __name__ == "__main__":
    sys.exit(main())
