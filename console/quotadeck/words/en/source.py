"""Why a gateway cannot be asked: nobody is there, it refused, or it sent what cannot be read."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

_START: Final = "start it with `quotadeck gateway`"

SENTENCES: Final[Mapping[str, Sentence]] = {
    "source.crowded": "{socket}: too many others connect there",
    "source.path_too_long": "the socket path {socket}, which has {length} bytes; allowed: at most "
    "{most} bytes: set gateway.socket to a shorter path",
    "source.absent": "there is no gateway at {socket} (no such socket): " + _START,
    # The demo is advice for who tries it out, not for who lost a gateway in an incident.
    "source.absent.never": "there is no gateway at {socket} (no such socket): start one with "
    "`quotadeck gateway`, or try `quotadeck demo`",
    "source.hidden": "you may not look at {socket} ({what}): ask to join the group {group}",
    "source.no_socket": "{socket} is not a socket: name the gateway's socket with --socket",
    "source.not_yours": "you may not use {socket}: ask to join the group {group}",
    "source.ledger": "nobody answers, and the ledger cannot be read: {why:told}",
    "source.gone": "nobody answers at {socket} ({what}): the gateway is gone; " + _START,
    "source.silent": "the gateway at {socket} was silent for {silent_s} s ({asked})",
    "source.lost": "the connection to {socket} was lost ({asked}: {what})",
    "source.ended": "the gateway at {socket} ended the stream",
    "source.too_large": "the gateway at {socket} sent an event of more than {most_mb} MB",
    "source.refused": "the gateway at {socket} refused: {why:told}",
    "source.refused.status": "the gateway at {socket} refused: {asked} was answered {status}",
    "source.newer": "the gateway at {socket} is newer and sends {what}: update quotadeck",
    "source.not_understood": "the gateway at {socket} answered {asked} with something this version "
    "does not understand: are console and gateway of the same version? ({what})",
    "source.no_command": "this is no command that could be sent: {what}",
}
