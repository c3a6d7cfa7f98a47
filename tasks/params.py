"""Settings. params.yaml is the only place with values; a step receives its own section and nothing else."""

import difflib
import math
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from tasks.cron import parse_cron
from tasks.errors import ParamsError

MAX_PARAMS_BYTES = 1_000_000
LANGUAGE_CODE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
HashBits = Annotated[int, Field(ge=0, le=64)]
Language = Literal["en", "de", "fr", "es", "zh"]


class Section(BaseModel):
    """One section of params.yaml. No defaults here: the file holds every value, so DVC sees every change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DiscoveryParams(Section):
    max_videos: int = Field(ge=1, le=100_000)
    allow_private_addresses: bool
    allowed_hosts: tuple[str, ...]
    first_index: int = Field(ge=1, le=100_000)
    per_night: int = Field(ge=1, le=100_000)
    overlap_videos: int = Field(ge=1, le=100)
    relist_nights: int = Field(ge=1, le=3650)
    relist_videos: int = Field(ge=1, le=100_000)


SourceKind = Literal["auto", "channel", "playlist", "search", "feed", "video", "file", "folder", "bucket", "list"]


class SourceParams(Section):
    """One subscription. `name` and `url` are needed; everything else may be left out, and then means what is said here.

    kind: what `url` is; auto: told by its form. A search has words for a `url`, a bucket s3://bucket/prefix.
    feed: address of the RSS or Atom feed, where the page does not name it or names another.
    first_index, per_night: in place of discovery.first_index and discovery.per_night.
    min_duration_seconds ... min_views: filters; what is outside any of them is left out. Empty or absent: no such filter.
    languages: codes as en or pt-BR; en takes en-GB too. licences: parts of their names, in any case, as "creative commons".
    title_matches, title_excludes: regular expressions, searched for in the title in any case.
    endpoint, profile, region: of a bucket that is not Amazon's, or not reached with the environment's credentials.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    url: str = Field(min_length=1, max_length=2000)
    kind: SourceKind = "auto"
    feed: str = ""
    first_index: int | None = Field(default=None, ge=1, le=100_000)
    per_night: int | None = Field(default=None, ge=1, le=100_000)
    min_duration_seconds: NotNegative | None = None
    max_duration_seconds: Positive | None = None
    languages: tuple[Annotated[str, Field(pattern=LANGUAGE_CODE)], ...] = ()
    licences: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    title_matches: str = ""
    title_excludes: str = ""
    uploaded_from: date | None = None
    uploaded_until: date | None = None
    min_views: int | None = Field(default=None, ge=0)
    endpoint: str = ""
    profile: str = ""
    region: str = ""

    @field_validator("title_matches", "title_excludes")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise PydanticCustomError("pattern", "not a regular expression: {why}", {"why": str(error)}) from error
        return pattern

    @field_validator("uploaded_from", "uploaded_until", mode="before")
    @classmethod
    def _is_day(cls, day: object) -> object:
        if day is None or type(day) is date:
            return day
        try:
            return date.fromisoformat(day if isinstance(day, str) else "")
        except ValueError as error:
            raise PydanticCustomError("day", "write a day as 2026-01-31") from error

    @field_validator("max_duration_seconds", "uploaded_until")
    @classmethod
    def _is_not_below(cls, high: Any, others: ValidationInfo) -> Any:
        name = {"max_duration_seconds": "min_duration_seconds", "uploaded_until": "uploaded_from"}[str(others.field_name)]
        low = others.data.get(name)
        if high is not None and low is not None and high < low:
            raise PydanticCustomError("range", "less than {name}, which is {low}", {"name": name, "low": str(low)})
        return high


class DownloadParams(Section):
    max_height_px: int = Field(ge=64, le=4320)
    timeout_seconds: Positive
    attempts: int = Field(ge=1, le=20)
    backoff_seconds: NotNegative
    videos_per_host: int = Field(ge=1, le=64)
    sleep_seconds: NotNegative
    rate_limit_bytes_per_second: int = Field(ge=0)
    max_bytes: int = Field(ge=1)
    max_duration_seconds: Positive
    duration_tolerance_seconds: NotNegative
    caption_languages: tuple[Annotated[str, Field(pattern=LANGUAGE_CODE)], ...]
    cookies_file: str
    proxy: str


class FramesParams(Section):
    mode: Literal["auto", "keyframes", "interval", "scenes"]
    every_seconds: float = Field(ge=0.02, le=600, allow_inf_nan=False)
    max_keyframe_gap_seconds: Positive
    scene_threshold: Share
    hash: Literal["dct-grey32-v1", "imagehash"]
    duplicate_bits: HashBits
    ssim_min: Share
    black_luma: float = Field(ge=0, le=255)
    blank_contrast: NotNegative
    blurred_sharpness: NotNegative
    jpeg_quality: int = Field(ge=1, le=95)
    jpeg_max_height_px: int = Field(ge=16, le=4320)
    max_pixels: int = Field(ge=1)
    max_frames_per_second: Positive
    max_streams: int = Field(ge=1)
    max_duration_seconds: Positive
    timeout_seconds: Positive


class AudioParams(Section):
    sample_rate_hz: Literal[8000, 16000]
    silence_dbfs: float = Field(ge=-100, le=0)
    min_silence_seconds: Positive
    segment_seconds: float = Field(ge=1, le=3600)
    overlap_seconds: float = Field(ge=0, le=10)
    max_duration_seconds: Positive
    timeout_seconds: Positive


class TranscriptionParams(Section):
    engine: Literal["auto", "captions", "vosk", "pocketsphinx"]
    model: str
    language: str
    threads: int = Field(ge=0, le=256)
    piece_seconds: float = Field(ge=0.02, le=60)
    timeout_seconds: Positive
    memory_megabytes: int = Field(ge=200)
    fetch_models: bool


class KeywordsParams(Section):
    stopword_languages: tuple[Language, ...]
    numbers: Literal["drop", "keep"]
    min_confidence: Share
    min_letters: int = Field(ge=1, le=20)


class AlignmentParams(Section):
    window_seconds: float = Field(gt=0, le=120)
    min_weight: Share


class EvidenceParams(Section):
    rounds: int = Field(ge=0, le=20)
    settled: NotNegative
    folds: int = Field(ge=2, le=20)
    first_videos: int = Field(ge=4, le=100_000)
    max_videos: int = Field(ge=4, le=100_000)
    min_videos: int = Field(ge=1, le=1000)
    picture_px: int = Field(ge=32, le=256, multiple_of=8)
    width: int = Field(ge=4, le=128, multiple_of=4)
    epochs: int = Field(ge=1, le=1000)
    learning_rate: Positive
    weight_decay: NotNegative
    precision: Literal["float32", "bfloat16"]
    seed: int
    threads: int = Field(ge=1, le=256)


class DatasetParams(Section):
    shard_megabytes: int = Field(ge=1, le=1024)
    row_group_rows: int = Field(ge=1, le=100_000)
    split_by: Literal["channel", "video"]
    validation_share: Share
    test_share: Share
    split_seed: int
    duplicate_bits: HashBits

    @field_validator("test_share")
    @classmethod
    def _some_must_train(cls, test_share: float, others: ValidationInfo) -> float:
        total = test_share + others.data.get("validation_share", 0)
        if total >= 1:
            raise PydanticCustomError("shares", f"validation_share + test_share is {total:g}; something must be left to train")
        return test_share


class NetsParams(Section):
    image: Literal["small", "vgg", "residual", "pretrained"]
    picture_px: int = Field(ge=32, le=1024, multiple_of=8)
    width: int = Field(ge=4, le=512, multiple_of=4)
    dimensions: int = Field(ge=8, le=2048)
    buckets: int = Field(ge=64, le=1 << 24)
    pretrained: str


class TrainingParams(Section):
    loss: Literal["mil-nce", "multi-label", "infonce"]
    epochs: int = Field(ge=1, le=10_000)
    retrain_epochs: int = Field(ge=1, le=10_000)
    replay_share: float = Field(ge=0, lt=1, allow_inf_nan=False)
    batch_pictures: int = Field(ge=2, le=65_536)
    learning_rate: Positive
    weight_decay: NotNegative
    min_pictures: int = Field(ge=1)
    words_per_step: int = Field(ge=2)
    seed: int = Field(ge=0, lt=1 << 32)
    threads: int = Field(ge=1, le=256)
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["float32", "bfloat16"]
    compile: bool
    checkpoint_steps: int = Field(ge=1)


class SearchParams(Section):
    results: int = Field(ge=1, le=10_000)
    per_video: int = Field(ge=0, le=10_000)
    label_words: int = Field(ge=1, le=10_000)


class GateParams(Section):
    allowed_loss: Share
    slice_allowed_loss: Share
    max_calibration_error: Share
    first_gain: Share
    confidence: float = Field(gt=0.5, lt=1)
    draws: int = Field(ge=100, le=100_000)
    min_videos: int = Field(ge=2)
    seed: int = Field(ge=0)


class IngestParams(Section):
    videos_at_once: int = Field(ge=1, le=256)
    decode_memory_megabytes: int = Field(ge=200)


class RunParams(Section):
    task_runner: Literal["threads", "dask"]
    allow_unencrypted: bool  # before the address, whose check needs it
    scheduler: str
    workers: int = Field(ge=1, le=256)
    videos_at_once: int = Field(ge=1, le=1024)
    no_worker_seconds: Positive

    @field_validator("scheduler")
    @classmethod
    def _between_our_machines_only(cls, scheduler: str, others: ValidationInfo) -> str:
        """Dask's messages run code at whoever reads them: they stay on this machine or are encrypted, with certificates."""
        if scheduler == "local":
            return scheduler
        address = re.fullmatch(r"(tcp|tls)://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", scheduler)
        if address is None or not 0 < int(address[3]) < 65_536:
            raise PydanticCustomError("scheduler", "write local, or the address of a Dask scheduler as tls://host:8786")
        host = address[2].strip("[]")
        here = host == "localhost" or host == "::1" or re.fullmatch(r"127(\.[0-9]{1,3}){3}", host) is not None
        if address[1] == "tcp" and not here and not others.data.get("allow_unencrypted"):
            raise PydanticCustomError(
                "scheduler", "tcp:// to another machine is not encrypted: use tls://, or set run.allow_unencrypted: true")
        return scheduler


class UpkeepParams(Section):
    max_wait_nights: int = Field(ge=1, le=365)
    gone_days: int = Field(ge=1, le=3650)
    pause_hours: float = Field(gt=0, le=720, allow_inf_nan=False)
    max_pause_hours: float = Field(gt=0, le=8760, allow_inf_nan=False)


class NightlyParams(Section):
    cron: str
    timezone: str
    retrain_cron: str

    @field_validator("cron", "retrain_cron")
    @classmethod
    def _once_a_day_at_most(cls, cron: str, info: ValidationInfo) -> str:
        if info.field_name == "retrain_cron" and not cron:
            return cron
        try:
            parse_cron(cron)
        except ValueError as error:
            raise PydanticCustomError("cron", "{why}", {"why": str(error)}) from error
        return cron

    @field_validator("timezone")
    @classmethod
    def _a_known_zone(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
            names = {name.lower(): name for name in available_timezones()}
            cities = {name.rpartition("/")[2]: name for name in names}
            close = difflib.get_close_matches(timezone.lower().replace(" ", "_"), [*names, *cities], n=1, cutoff=0.75)
            known = names.get(cities.get(close[0], close[0])) if close else None
            hint = f"did you mean {known}?" if known else "write a zone of the IANA list, as Europe/Berlin or UTC"
            raise PydanticCustomError("timezone", "unknown time zone; {hint}", {"hint": hint}) from error
        return timezone


class Params(Section):
    sources: tuple[SourceParams, ...]
    discovery: DiscoveryParams
    download: DownloadParams
    frames: FramesParams
    audio: AudioParams
    transcription: TranscriptionParams
    keywords: KeywordsParams
    alignment: AlignmentParams
    evidence: EvidenceParams
    dataset: DatasetParams
    nets: NetsParams
    training: TrainingParams
    search: SearchParams
    gate: GateParams
    ingest: IngestParams
    run: RunParams
    upkeep: UpkeepParams
    nightly: NightlyParams

    @field_validator("sources")
    @classmethod
    def _each_once(cls, sources: tuple[SourceParams, ...]) -> tuple[SourceParams, ...]:
        for key in ("name", "url"):
            twice = next((value for value, count in Counter(getattr(s, key) for s in sources).items() if count > 1), None)
            if twice is not None:
                raise PydanticCustomError("twice", "{key} {twice} is there twice; drop one", {"key": key, "twice": twice[:80]})
        return sources


class _StrictLoader(yaml.SafeLoader):
    """Plain YAML only: no aliases (they can grow without end) and no key twice."""

    def compose_node(self, parent: Any, index: int) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value!r}", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_params(path: Path, overrides: dict[str, Any] | None = None) -> Params:
    """Read and check params.yaml.

    overrides: values from the command line, as {"section.key": value}.
    Raises ParamsError naming the first bad key, its value, and what it may be.
    """
    tree = _read_yaml(path)
    for dotted, value in (overrides or {}).items():
        section, _, key = dotted.partition(".")
        if not key or not isinstance(tree.get(section), dict):
            raise ParamsError(f"{dotted}: unknown setting", "write section.key=value with a section of params.yaml")
        tree[section][key] = value
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        raise explain(path, error, Params) from error


def _read_yaml(path: Path) -> dict[str, Any]:
    where = "use the params.yaml of the repository as a start"
    try:
        text = path.read_bytes()
    except OSError as error:
        remedy = "make a project with `framewords init`, or name the file with --params"
        raise ParamsError(f"{path}: params cannot be read ({error.strerror})", remedy) from error
    if len(text) > MAX_PARAMS_BYTES:
        raise ParamsError(f"{path}: params invalid, {len(text)} bytes", f"keep it under {MAX_PARAMS_BYTES}")
    try:
        tree = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ParamsError(f"{path}: params invalid{line}: {problem}", "correct the YAML") from error
    except (ValueError, RecursionError) as error:
        said = str(error).partition("\n")[0] or type(error).__name__  # such as a day that its month has not
        raise ParamsError(f"{path}: params invalid: {said}", "correct the YAML") from error
    if not isinstance(tree, dict):
        kind = "empty" if tree is None else f"a {type(tree).__name__}"
        raise ParamsError(f"{path}: params invalid at line 1: {kind}, not sections of keys", where)
    return tree


def _section(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that describes this place within another; numbers are places in a list."""
    for name in location:
        annotation = model.model_fields[str(name)].annotation if isinstance(name, str) else model
        if get_origin(annotation) is tuple:
            annotation = get_args(annotation)[0]
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        model = annotation
    return model


def explain(what: object, error: ValidationError, root: type[BaseModel]) -> ParamsError:
    """The first problem in one line; unknown keys come first, since they explain missing ones.

    what: the file, or whatever else was checked against `root`.
    """
    problems = sorted(error.errors(), key=lambda p: p["type"] != "extra_forbidden")
    first = problems[0]
    dotted = ".".join(str(part) for part in first["loc"])
    value = first["input"]
    shown = repr(value)[:60]
    if first["type"] == "extra_forbidden":
        known = _section(root, first["loc"][:-1]).model_fields
        close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        remedy = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        return ParamsError(f"{what}: unknown key {dotted}", remedy)
    if first["type"] == "missing":
        return ParamsError(f"{what}: missing key {dotted}", "add it; the repository's params.yaml shows every key")
    if isinstance(value, float) and not math.isfinite(value):
        shown = str(value)
    return ParamsError(f"{what}: {dotted} is {shown}", first["msg"][0].lower() + first["msg"][1:])
