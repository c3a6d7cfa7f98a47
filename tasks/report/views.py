"""What the page draws: the likeliest examples, the commonest words, and one video after the other."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.report import books, pictures, timeline
from tasks.report.books import Labels
from tasks.report.pairs import PairsView, draw_pairs
from tasks.report.pictures import Thumbnail
from tasks.report.survey import Best, Survey, VideoFacts
from tasks.report.timeline import Row
from tasks.schema import Video
from tasks.storage.layout import DataFolder

# Together these keep the page below 20 MB, whatever the size of the dataset.
PICTURES_A_VIDEO = 48
ROWS_A_VIDEO = 6
HEROES, COMMON_WORDS, PAIRS = 4, 24, 20
HERO_PX, SHEET_PX, STRIP_PX = 480, 240, 200
WEBP_QUALITY = 60
SAME_VIDEO = 0.8  # how much less an example is worth for each one that its video has already
QUOTED_WORDS = 5  # on either side


@dataclass(frozen=True)
class HeroView:
    """One example at its largest. quote: the words said around its label, each with whether it became one."""

    video: Video
    picture: Thumbnail
    example: Mapping[str, Any]
    quote: list[tuple[str, bool]]


@dataclass(frozen=True)
class WordView:
    """A common key word with the picture that likeliest shows it, if any does."""

    word: str
    said: int
    best: Best | None
    picture: Thumbnail | None


@dataclass(frozen=True)
class TimelineView:
    """Rows of a timeline, and the pictures in them by frame. shown_seconds: how much of the video they cover."""

    video: Video
    rows: Sequence[Row]
    strip: Mapping[int, Thumbnail]
    shown_seconds: float


@dataclass(frozen=True)
class VideoView:
    """Everything the page shows of one video. sheet: examples with their pictures; examples: how many there are in all."""

    video: Video
    facts: VideoFacts
    timeline: TimelineView
    sheet: Sequence[tuple[Mapping[str, Any], Thumbnail | None]]
    examples: int
    offset: float | None
    offset_confidence: float


def draw_heroes(folder: DataFolder, seen: Survey) -> list[HeroView]:
    """The surest examples, as different as can be: no word twice, and no video again while others are nearly as sure."""
    videos = {video.id: video for video in seen.videos}
    heroes: list[HeroView] = []
    words: set[str] = set()
    used: Counter[str] = Counter()
    pool = sorted(seen.candidates, key=lambda one: (-one[0], one[1], one[2]))
    while pool and len(heroes) < HEROES:
        _, video_id, frame = chosen = max(pool, key=lambda one: one[0] * SAME_VIDEO ** used[one[1]])
        pool.remove(chosen)
        labels = books.read_labels(folder.labels(video_id), folder.evidence_root)
        example = _only(labels.examples, frame)
        picture = _draw(folder, video_id, [frame], HERO_PX).get(frame)
        word = example["labels"][0]["label"]
        if picture is None or word in words:
            continue
        words.add(word)
        used[video_id] += 1
        heroes.append(HeroView(videos[video_id], picture, example, _quote(labels.words, example)))
    return heroes


def draw_words(folder: DataFolder, seen: Survey) -> list[WordView]:
    """The commonest key words."""
    views = []
    for word, said in sorted(seen.said.items(), key=lambda one: (-one[1], one[0] not in seen.best, one[0]))[:COMMON_WORDS]:
        best = seen.best.get(word)
        picture = _draw(folder, best.video_id, [best.frame], STRIP_PX).get(best.frame) if best else None
        views.append(WordView(word, said, best, picture))
    return views


def draw_associations(seen: Survey) -> PairsView:
    """The words that surely go together."""
    return draw_pairs(seen.associations.table().to_pylist(), PAIRS)


def draw_moment(folder: DataFolder, heroes: Sequence[HeroView], seen: Survey) -> TimelineView | None:
    """The row that most surely joins the most words to their pictures, of the timelines of the heroes' videos."""
    best: tuple[float, TimelineView, Row] | None = None
    for video in dict.fromkeys(hero.video for hero in heroes):
        labels = books.read_labels(folder.labels(video.id), folder.evidence_root)
        whole = _draw_timeline(folder, video, labels, seen.facts[video.id].seconds)
        for row in whole.rows:
            sure = sum((key.weight or 0.0) ** 2 for key in row.keys if key.line)
            if best is None or sure > best[0]:
                best = (sure, whole, row)
    if best is None:
        return None
    _, whole, row = best
    inside = {sample.shows for sample in row.samples}
    strip = {frame: picture for frame, picture in whole.strip.items() if frame in inside}
    return TimelineView(whole.video, [row.at_top()], strip, row.ruler.seconds)


def draw_video(folder: DataFolder, video: Video, facts: VideoFacts) -> VideoView:
    """One video in full, as far as the caps allow."""
    labels = books.read_labels(folder.labels(video.id), folder.evidence_root)
    first = labels.examples.slice(0, 1).to_pylist()
    sheet = _spread(labels.examples, PICTURES_A_VIDEO)
    thumbnails = _draw(folder, video.id, [example["frame"] for example in sheet], SHEET_PX)
    return VideoView(
        video, facts, _draw_timeline(folder, video, labels, facts.seconds),
        [(example, thumbnails.get(example["frame"])) for example in sheet], labels.examples.num_rows,
        first[0]["video_offset_seconds"] if first else None, first[0]["video_offset_confidence"] if first else 0.0)


def _draw_timeline(folder: DataFolder, video: Video, labels: Labels, seconds: float) -> TimelineView:
    reach = timeline.rulers(seconds)[:ROWS_A_VIDEO][-1].end
    rows = timeline.draw_rows(
        labels.frames.filter(pc.less(labels.frames["timestamp"], reach)).to_pylist(), labels.examples.to_pylist(),
        labels.words.filter(pc.less(labels.words["start"], reach)).to_pylist(), seconds, ROWS_A_VIDEO)
    drawn = {sample.shows for row in rows for sample in row.samples if sample.shows is not None and sample.width}
    return TimelineView(video, rows, _draw(folder, video.id, drawn, STRIP_PX), min(reach, seconds))


def _only(examples: pa.Table, frame: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = examples.filter(pc.equal(examples["frame"], frame)).to_pylist()
    return rows[0]


def _quote(words: pa.Table, example: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """What was said around the word that gave the heaviest label, within its segment; each word, and whether it gave one."""
    sources = {label["word_index"] for label in example["labels"]}
    at = example["labels"][0]["word_index"]
    near = words.filter(pc.less_equal(pc.abs(pc.subtract(words["word_index"], at)), QUOTED_WORDS)).to_pylist()
    segments = {word["segment"] for word in near if word["word_index"] == at}
    return [(word["word"], word["word_index"] in sources) for word in near if word["segment"] in segments]


def _spread(examples: pa.Table, most: int) -> list[dict[str, Any]]:
    """At most `most` rows, evenly spread."""
    count = min(most, examples.num_rows)
    rows: list[dict[str, Any]] = examples.take([index * examples.num_rows // count for index in range(count)]).to_pylist()
    return rows


def _draw(folder: DataFolder, video_id: str, frames: Iterable[int], width: int) -> dict[int, Thumbnail]:
    """Small pictures of some frames; those that cannot be decoded are missing."""
    jpegs = pictures.read_jpegs(folder.frames(video_id), set(frames))
    drawn = {frame: pictures.shrink(jpeg, width, WEBP_QUALITY) for frame, jpeg in sorted(jpegs.items())}
    return {frame: picture for frame, picture in drawn.items() if picture is not None}
