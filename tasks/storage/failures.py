"""Why a video is not labelled, as policy: what becomes of it, when it is tried again, and what would change the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from tasks.errors import BlockedError, TransientError, UnusableVideoError
from tasks.params import Params, UpkeepParams
from tasks.storage.artefact import digest_json

FailureClass = Literal["transient", "blocked", "gone", "filtered", "unusable"]
CLASSES: tuple[FailureClass, ...] = get_args(FailureClass)

# A night's run does not reach a video at the same minute as the last one did: what waits one night is due half a day early.
NIGHT_SLACK = timedelta(hours=12)
MAX_DOUBLINGS = 16
# What else the settings of a source say: where it is and how much of it is taken.
NO_FILTERS = {"name", "url", "kind", "feed", "first_index", "per_night", "endpoint", "profile", "region"}


@dataclass(frozen=True)
class Failure:
    """One code of failure.

    settings: keys of params.yaml (or whole sections) that the verdict rests on; another value is another chance.
    versions: steps and libraries that the verdict rests on, likewise.
    filters: the verdict rests on the user's filters of the source.
    nightly: asked again every night, without back-off.
    """

    kind: FailureClass
    settings: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    filters: bool = False
    nightly: bool = False


def _unusable(*settings: str, versions: tuple[str, ...]) -> Failure:
    return Failure("unusable", settings, versions)


DECODING = ("download", "frames", "audio", "av")
HEARING = ("transcription.engine", "transcription.model", "transcription.language", "download.caption_languages")
FAILURES: Mapping[str, Failure] = {
    # May pass by itself. So may what is not here: nothing is given up because it has no name.
    "transient": Failure("transient"),
    "incomplete": Failure("transient"),
    "missing": Failure("transient"),
    "unreadable": Failure("transient"),
    "certificate": Failure("transient"),
    "forbidden": Failure("transient"),
    "unseen": Failure("transient"),
    "unexpected": Failure("transient"),
    "blocked": Failure("blocked"),
    "deleted": Failure("gone"),
    "private": Failure("gone"),
    "geo": Failure("gone"),
    "members": Failure("gone"),
    "drm": Failure("gone"),
    "unavailable": Failure("gone"),
    "live": Failure("filtered", nightly=True),
    **{f"filtered_{what}": Failure("filtered", filters=True) for what in (
        "title", "date", "duration", "views", "language", "licence")},
    "too_long": Failure("filtered", ("download.max_duration_seconds", "audio.max_duration_seconds")),
    "too_large": Failure("filtered", ("download.max_bytes",)),
    "over_cap": _unusable(
        "frames.max_streams", "frames.max_frames_per_second", "frames.max_duration_seconds", versions=("frames",)),
    "too_many_pixels": _unusable("frames.max_pixels", versions=("frames",)),
    "too_many_streams": _unusable(versions=("download",)),
    "no_words": _unusable(*HEARING, "keywords", versions=("transcription", "keywords")),
    "no_audio": _unusable(*HEARING, versions=("download", "audio", "transcription")),
    "no_captions": _unusable(*HEARING, versions=("download", "transcription")),
    "captions_invalid": _unusable(*HEARING, versions=("download", "transcription")),
    "bad_audio": _unusable(*HEARING, versions=DECODING),
    "timeout": _unusable(
        "frames.timeout_seconds", "audio.timeout_seconds", "transcription.timeout_seconds", versions=DECODING),
    "out_of_memory": _unusable("ingest.decode_memory_megabytes", "transcription.memory_megabytes", versions=DECODING),
    "crashed": _unusable(versions=(*DECODING, "transcription")),
    "fault": _unusable(versions=(*DECODING, "transcription", "keywords")),
    "refused": _unusable("discovery.allow_private_addresses", "discovery.allowed_hosts", versions=("download",)),
    "unsupported": _unusable(versions=("download", "yt-dlp")),
    "extension_refused": _unusable(versions=("download",)),
    "not_a_regular_file": _unusable(versions=("download",)),
    "changed": _unusable(versions=("download",)),
    "no_picture": _unusable("download.max_height_px", versions=DECODING),
    **{code: _unusable(versions=DECODING) for code in (
        "bad_timestamps", "damaged", "empty_file", "encrypted", "no_index", "not_a_video", "playlist_as_media", "too_short",
        "truncated", "undecodable", "unusable")},
}


def class_of(code: str) -> FailureClass:
    """The policy a code falls under; `transient` for a code that is not known, so that nothing is lost."""
    return FAILURES[code].kind if code in FAILURES else "transient"


def code_of(error: BaseException) -> str:
    """The code under which an error is recorded."""
    if isinstance(error, UnusableVideoError):
        return error.code
    if isinstance(error, BlockedError):
        return "blocked"
    return "transient" if isinstance(error, TransientError) else "unexpected"


def next_try(code: str, attempts: int, tried: datetime, params: UpkeepParams) -> datetime | None:
    """When a video that failed is due again by itself; None: not before what its verdict rests on has changed.

    attempts: failed tries of this class in a row, the last one at `tried`.
    A blocked video is due at once: what waits is its source.
    """
    failure = FAILURES.get(code, Failure("transient"))
    if failure.kind == "blocked":
        return tried
    if failure.nightly:
        return tried + timedelta(days=1) - NIGHT_SLACK
    if failure.kind == "gone":
        return tried + timedelta(days=params.gone_days) - NIGHT_SLACK
    if failure.kind == "transient":
        nights = min(1 << min(max(attempts, 1) - 1, MAX_DOUBLINGS), params.max_wait_nights)
        return tried + timedelta(days=nights) - NIGHT_SLACK
    return None


@dataclass(frozen=True)
class Policy:
    """What verdicts rest on today.

    versions: of steps and libraries, by name.
    """

    params: Params
    versions: Mapping[str, int | str] = field(default_factory=dict)

    def rests_on(self, code: str, source: str = "") -> str:
        """Digest of the settings, versions and filters behind a verdict; empty when nothing of ours could change it."""
        failure = FAILURES.get(code)
        if failure is None or failure.kind not in ("filtered", "unusable") or failure.nightly:
            return ""
        settings = {key: _setting(self.params, key) for key in failure.settings}
        versions = {name: self.versions.get(name) for name in failure.versions}
        filters = [found.model_dump(mode="json", exclude=NO_FILTERS) for found in self.params.sources
                   if failure.filters and found.name == source]
        return digest_json({"settings": settings, "versions": versions, "filters": filters})

    def is_due(self, code: str, attempts: int, tried: datetime, rested_on: str, source: str, now: datetime) -> bool:
        """True when a video that failed is to be tried again."""
        after = next_try(code, attempts, tried, self.params.upkeep)
        return rested_on != self.rests_on(code, source) if after is None else after <= now

    def pause_until(self, pauses: int, asked_seconds: float, now: datetime) -> datetime:
        """How long a source rests that has blocked us for the nth time in a row: doubling, and what it asked for if longer.

        pauses: 1, 2, ... Never longer than upkeep.max_pause_hours, whatever it asks for.
        """
        upkeep = self.params.upkeep
        hours = max(upkeep.pause_hours * 2.0 ** min(pauses - 1, MAX_DOUBLINGS), asked_seconds / 3600)
        return now + timedelta(hours=min(hours, upkeep.max_pause_hours))


def _setting(params: Params, key: str) -> Any:
    section, _, name = key.partition(".")
    values = getattr(params, section).model_dump(mode="json")
    return values[name] if name else values
