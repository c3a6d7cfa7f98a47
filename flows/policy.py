"""What verdicts on videos rest on today: the settings, and the versions of the steps and libraries that would judge again."""

from importlib.metadata import version

from tasks.audio import extract
from tasks.download import fetch
from tasks.frames import sample
from tasks.keywords import pick
from tasks.params import Params
from tasks.storage.failures import Policy
from tasks.transcription import transcribe

STEPS = {"download": fetch, "frames": sample, "audio": extract, "transcription": transcribe, "keywords": pick}
LIBRARIES = ("av", "yt-dlp")


def policy_of(params: Params) -> Policy:
    """The policy for failures under these settings."""
    versions: dict[str, int | str] = {name: step.VERSION for name, step in STEPS.items()}
    return Policy(params, {**versions, **{name: version(name) for name in LIBRARIES}})
