"""What an acquire can end with instead of a reservation. All are `QuotaError`."""


class QuotaError(Exception):
    """Nothing was taken.

    ``project`` is whose request it was; ``bucket`` names the limit that refused, such as
    ``project:analytics:rpm``, and is empty where none did.
    """

    def __init__(self, text: str, project: str = "", bucket: str = "") -> None:
        super().__init__(text)
        self.project = project
        self.bucket = bucket


class AcquireTimeout(QuotaError, TimeoutError):
    """The timeout passed before its turn came.

    ``wait_s``: how long it would have been still; None where nobody can tell. ``ahead``: how many
    of its project stood before it. ``away``: what kept all of them waiting, where that was no
    limit, in words: the gateway does not answer, or it has paused the project.
    """

    def __init__(
        self,
        project: str,
        bucket: str,
        waited_s: float,
        wait_s: float | None,
        *,
        ahead: int = 0,
        away: str = "",
    ) -> None:
        at = f" for {bucket}" if bucket else ""
        if ahead:
            at = f" behind {ahead} more of its requests"
        text = f"project {project} waited {waited_s:.1f} s{at}"
        if away:
            text += f": {away}"
        else:
            more = "" if wait_s is None else f", {wait_s:.1f} s more were needed"
            text += f"{more}: give it a longer timeout (patience= of an SDK's client)"
            text += " or fewer calls at a time" if ahead else ", or raise that limit" * bool(bucket)
        super().__init__(text, project, bucket)
        self.waited_s = waited_s
        self.wait_s = wait_s
        self.ahead = ahead
        self.away = away


class BudgetSpent(QuotaError):
    """What is left of the money does not cover the request, and no wait in sight helps.

    ``left_nano`` and ``asked_nano`` are nano-dollars; ``wait_s`` is how long the day lasts still.
    """

    def __init__(
        self, project: str, bucket: str, left_nano: int, asked_nano: int, wait_s: float | None
    ) -> None:
        text = (
            f"{bucket} has {left_nano / 1e9:.6g} USD left, "
            f"and the request may cost {asked_nano / 1e9:.6g} USD"
        )
        if wait_s is not None:
            from quotadeck.domain.typed import duration_words

            text += f"; it begins anew in {duration_words(max(1, round(wait_s)) * 1_000)}"
        super().__init__(text, project, bucket)
        self.left_nano = left_nano
        self.asked_nano = asked_nano
        self.wait_s = wait_s


class NeverFits(QuotaError):
    """The request asks for more than the limit ever gives, however long it waits."""

    def __init__(self, project: str, bucket: str, asked: str, limit: str) -> None:
        super().__init__(
            f"{bucket} is {limit} in all, the request asks for {asked}: "
            "ask for less, as by max_tokens, or raise that limit",
            project,
            bucket,
        )


class RunEnded(QuotaError):
    """The run lets nothing pass any more. ``why`` is what ended it."""

    def __init__(self, run: str, why: str) -> None:
        super().__init__(f"run {run} has ended: {why}")
        self.run = run
        self.why = why


class PriceUnknown(QuotaError):
    """A budget binds, and nobody told what the model costs."""

    def __init__(self, project: str, model: str) -> None:
        what = f"model {model}" if model else "a request that names no model"
        super().__init__(
            f"a budget binds this request of project {project}, and what {what} costs is not "
            "known: give it in prices=, or cost_nano in the estimate; without a gateway "
            "unknown_price= is that of all other models",
            project,
        )
        self.model = model


class TooManyWaiting(QuotaError):
    """The project's line is full: this one does not wait."""

    def __init__(self, project: str, waiting: int) -> None:
        super().__init__(f"{waiting} requests of project {project} wait already", project)
        self.waiting = waiting


class GatewayRefused(QuotaError):
    """The gateway that holds the state gives this key nothing; the text is its own."""


class NotSettled(QuotaError):
    """What was given to `settle` tells no usage that can be believed; nothing is settled."""


class WrongProcess(QuotaError):
    """A manager is used in a process that was forked from the one it was made in."""

    def __init__(self, made_in: int, here: int) -> None:
        super().__init__(
            f"this quota manager was made in process {made_in} and this is its fork {here}: "
            "neither would see what the other admits. Make one in each process, or one with "
            "gateway=, which they share"
        )
