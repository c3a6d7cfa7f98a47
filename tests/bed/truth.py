"""The shape of truth.jsonl: what each video shows and says, and when. Seconds throughout; README.md explains the fields."""

import json
from pathlib import Path
from typing import Any, NotRequired, TypedDict

Json = dict[str, Any]


class Scene(TypedDict):
    """One picture on screen. Fields without a value in a kind of scene are absent, so that files stay small."""

    i: NotRequired[int]
    start: float
    end: float
    kind: str  # object | talking_head | slide
    object: str | None
    distractors: list[str]
    dup_of: int | None
    dup_kind: str | None  # exact | near
    background: NotRequired[str]
    bbox: NotRequired[list[float]]  # left, top, right, bottom, as shares of the still
    distractor_boxes: NotRequired[list[list[float]]]
    photo: NotRequired[str]
    window: NotRequired[list[list[float]]]  # crop at start and end: left, top, width, height, as shares
    how: NotRequired[str]  # what a near duplicate was changed by
    text: NotRequired[list[str]]
    static: NotRequired[bool]


class Cut(TypedDict):
    t: float
    kind: str  # cut | dissolve
    duration: float


class Word(TypedDict):
    word: str
    start: float
    end: float
    on_topic: bool
    sentence: int
    filler: NotRequired[bool]
    in_view: NotRequired[bool]


class Pair(TypedDict):
    """A word and the interval of the scene it is about."""

    word: str
    word_start: float
    word_end: float
    scene: int
    start: float
    end: float
    shift: float  # said minus shown


class Sentence(TypedDict):
    start: float
    end: float
    kind: str  # on | off | none
    noun: str | None
    text: str
    scene: int | None
    shift: float | None
    shown: float | None


class Lag(TypedDict):
    offset: float
    jitter_sd: float
    meaning: str


class Duplicate(TypedDict):
    kind: str
    a: int
    b: int
    how: str


class VideoTruth(TypedDict):
    """One line of truth.jsonl."""

    video_id: str
    channel: str
    channel_name: str
    title: str
    path: str
    page: str
    split: str  # train | test
    seed: int
    duration: float
    fps: int
    gop: int
    crf: int
    width: int
    height: int
    objects: list[str]
    lag: Lag
    offtopic_asked: float
    offtopic_made: float
    scenes: list[Scene]
    cuts: list[Cut]
    duplicates: list[Duplicate]
    talking_heads: list[list[float]]
    slides: list[list[float]]
    sentences: list[Sentence]
    words: list[Word]
    pairs: list[Pair]
    fillers: list[tuple[str, float, float]]
    silences: list[list[float]]
    published: str
    voices: list[Json]
    snr_db: int | None
    thumbnail: Json
    views: NotRequired[int]
    views_as_of: NotRequired[str]


def read_truth(path: Path) -> list[VideoTruth]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def write_truth(path: Path, videos: list[VideoTruth]) -> None:
    path.write_text("".join(json.dumps(video) + "\n" for video in videos))
