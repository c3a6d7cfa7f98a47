"""What can go wrong, in words a person can act on. Each class has its own policy and exit code."""


class WorkflowError(Exception):
    """Something a person can act on: what went wrong, and the next step."""

    exit_code = 2

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)  # both stay in args, so the error survives pickling

    @property
    def problem(self) -> str:
        return str(self.args[0])

    @property
    def remedy(self) -> str:
        return str(self.args[1])

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


class ParamsError(WorkflowError):
    """params.yaml or a command-line option cannot be used. Nothing was written."""


class InputError(WorkflowError):
    """What was asked for cannot be a source: a bad address, path or list. Nothing was written."""


class TransientError(WorkflowError):
    """Worth another try: a timeout, a dropped connection, a busy server."""

    exit_code = 3


class StoppedError(TransientError):
    """A person or the system ends the run: nothing more is tried within it."""


class BlockedError(TransientError):
    """The site refuses us, not this video: too many requests, or it asks whether we are a robot. Its source is to rest.

    retry_after_seconds: how long the site asked us to wait, 0 when it did not say.
    """

    def __init__(self, problem: str, remedy: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(problem, remedy)
        self.args = (problem, remedy, retry_after_seconds)

    @property
    def retry_after_seconds(self) -> float:
        return float(self.args[2])


class AlreadyRunningError(TransientError):
    """Another run is at work on the same data folder."""


class UnusableVideoError(WorkflowError):
    """Not worth another try: the video is set aside under `code` and the rest goes on.

    code: a short stable name such as `no_audio`, `truncated`, `not_a_video`; it is what the ledger and report count.
    """

    def __init__(self, problem: str, remedy: str, code: str = "unusable") -> None:
        super().__init__(problem, remedy)
        self.args = (problem, remedy, code)

    @property
    def code(self) -> str:
        return str(self.args[2])


class UnavailableVideoError(UnusableVideoError):
    """The site will not give it: private, deleted, geo-blocked, DRM. Tried again rarely."""


class IntegrityError(WorkflowError):
    """An artefact is not what its manifest says: torn, altered or missing."""

    exit_code = 4
