"""Make narrated test videos whose truth is known exactly.

    python -m tests.bed.make --out DIR --videos 6 --seed 1 --channels 2

README.md beside this file says what is written and what the fields of truth.jsonl mean. A seed means the same bytes on
the same machine, with any number of jobs.
"""

import argparse
import datetime as dt
import math
import multiprocessing
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bed import draw
from tests.bed.channels import Channel, make_channel
from tests.bed.encode import HEIGHT, WIDTH, encode
from tests.bed.espeak import load_library
from tests.bed.narrate import Narrator, Said
from tests.bed.objects import OBJECTS
from tests.bed.publish import publish
from tests.bed.scenes import Photos, make_stills, plan_cuts, plan_scenes, visible
from tests.bed.speech import Speaker, check_templates
from tests.bed.truth import Json, Lag, Pair, Scene, Sentence, VideoTruth, Word, write_truth
from tests.bed.vocabulary import VOCABULARY

FIRST_DAY = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
THUMBNAIL_WEIGHTS = {"object_size": 1.2, "saturation": 1.0, "brightness": 0.4, "face": 0.8, "text": -0.5}
LUCK_SD = 0.45  # what the thumbnail does not explain of the views a day, in log
MIN_CLASSES = 6
PICTURES = (".jpg", ".jpeg", ".png", ".webp")


class MissingToolsError(RuntimeError):
    """Debian packages that only the bed needs are not installed."""


@dataclass(frozen=True)
class Bed:
    """What to make. The options of the command line say what each means."""

    out: Path
    videos: int
    seed: int = 1
    seconds: float = 60.0
    classes: int = 32
    lag: tuple[float, float] = (-6.0, 6.0)
    jitter: float = 0.4
    offtopic: float = 0.5
    channels: int = 2
    base: str = "http://127.0.0.1:8765"
    photos: Path | None = None
    jobs: int = 1
    truth_only: bool = False


@dataclass(frozen=True)
class _Job:
    bed: Bed
    number: int
    objects: Sequence[str]
    photos: Photos | None


def missing_packages(*, truth_only: bool = False) -> list[str]:
    """Debian packages to install before a bed can be made."""
    missing = [] if truth_only or shutil.which("ffmpeg") else ["ffmpeg"]
    try:
        load_library()
    except OSError:
        missing += ["espeak-ng", "libespeak-ng1"]
    return missing


def make_bed(bed: Bed, report: Callable[[VideoTruth], Any] = lambda video: None) -> list[VideoTruth]:
    """Write the videos, their truth and their site below bed.out; returns the truth, by channel and video id.

    Raises MissingToolsError naming the packages, ValueError when there are too few classes.
    """
    if missing := missing_packages(truth_only=bed.truth_only):
        raise MissingToolsError(f"making videos needs Debian's {' '.join(missing)}: apt-get install {' '.join(missing)}")
    photos = _find_photos(bed.photos) if bed.photos else None
    objects = list(photos or OBJECTS)[: bed.classes]
    if len(objects) < MIN_CLASSES:
        raise ValueError(f"{len(objects)} classes: a bed needs at least {MIN_CLASSES}")
    if not photos:
        check_templates(OBJECTS)
    bed.out.mkdir(parents=True, exist_ok=True)
    jobs = [_Job(bed, number, objects, photos) for number in range(bed.videos)]
    truth = []
    # espeak-ng keeps state from one utterance to the next: a process a video makes a seed mean the same files.
    with multiprocessing.Pool(bed.jobs, maxtasksperchild=1) as pool:
        for video in pool.imap(_make_video, jobs):
            truth.append(video)
            report(video)
    truth.sort(key=lambda video: (video["channel"], video["video_id"]))
    publish(bed.out, bed.base, truth)
    write_truth(bed.out / "truth.jsonl", truth)
    return truth


def _find_photos(folder: Path) -> Photos:
    """Pictures by class, from one sub-folder a class. A class outside the recogniser's vocabulary is left out."""
    photos = {}
    for place in sorted(folder.iterdir()):
        files = [file for file in sorted(place.iterdir()) if file.suffix.lower() in PICTURES] if place.is_dir() else []
        if files and place.name in VOCABULARY:
            photos[place.name] = files
        elif files:
            print(f"skipped {place.name}: not in the recogniser's vocabulary", file=sys.stderr)
    return photos


def _make_video(job: _Job) -> VideoTruth:
    bed = job.bed
    channel = make_channel(bed.seed, job.number % bed.channels)
    number = job.number // bed.channels
    video_id = f"{channel.id}-{number + 1:03d}"
    r = random.Random(f"{bed.seed}/video/{job.number % bed.channels}/{number}")
    folder = bed.out / channel.id
    folder.mkdir(exist_ok=True)
    seconds = round(bed.seconds * channel.fps) / channel.fps
    lag = r.uniform(*bed.lag)
    scenes = plan_scenes(r, channel, seconds, job.objects)
    stills = make_stills(r, channel, scenes, job.objects, job.photos)
    cuts = plan_cuts(r, scenes)
    speaker = Speaker()
    narrator = Narrator(r, channel, speaker, scenes, seconds, job.objects, lag, bed.jitter, bed.offtopic)
    audio = narrator.narrate()
    if not bed.truth_only:
        path, coding = folder / f"{video_id}.mp4", random.Random(f"{bed.seed}/encode/{video_id}")
        encode(path, coding, channel, scenes, stills, cuts, audio, speaker.rate, seconds)
    said = narrator.sentences
    words = _words(said, scenes, {*OBJECTS, *job.objects})
    pairs = _pairs(said, scenes)
    thumbnail = _thumbnail(r, job, channel, scenes, video_id)
    day = FIRST_DAY + dt.timedelta(days=number * channel.every_days + random.Random(f"{bed.seed}/{video_id}").uniform(0, 0.6))
    title = _title(r, scenes, number)
    for scene in scenes:
        scene["start"], scene["end"] = round(scene["start"], 4), round(scene["end"], 4)
        scene["window"] = [[round(v, 4) for v in window] for window in scene["window"]]
    return VideoTruth(
        video_id=video_id,
        channel=channel.id,
        channel_name=channel.name,
        title=title,
        path=f"{channel.id}/{video_id}.mp4",
        page=f"{channel.id}/{video_id}.html",
        split="test" if number % 5 == 4 else "train",
        seed=bed.seed,
        duration=seconds,
        fps=channel.fps,
        gop=channel.gop,
        crf=channel.crf,
        width=WIDTH,
        height=HEIGHT,
        objects=list(job.objects),
        lag=Lag(offset=round(lag, 3), jitter_sd=bed.jitter, meaning="said minus shown, seconds"),
        offtopic_asked=bed.offtopic,
        offtopic_made=round(1 - len(pairs) / max(1, len(said)), 3),
        scenes=[Scene(i=k, **scene) for k, scene in enumerate(scenes)],
        cuts=cuts,
        duplicates=[
            {"kind": str(s["dup_kind"]), "a": s["dup_of"], "b": k, "how": s["how"]}
            for k, s in enumerate(scenes)
            if s["dup_of"] is not None
        ],
        talking_heads=[[s["start"], s["end"]] for s in scenes if s["kind"] == "talking_head"],
        slides=[[s["start"], s["end"]] for s in scenes if s["kind"] == "slide"],
        sentences=[_sentence(sentence) for sentence in said],
        words=words,
        pairs=pairs,
        fillers=[(w["word"], w["start"], w["end"]) for w in words if "filler" in w],
        silences=_silences(words, seconds),
        published=day.replace(microsecond=0).isoformat(),
        voices=[asdict(voice) for voice in channel.voices],
        snr_db=channel.snr_db,
        thumbnail=thumbnail,
    )


def _words(said: Sequence[Said], scenes: Sequence[Scene], objects: set[str]) -> list[Word]:
    words = []
    for n, sentence in enumerate(said):
        for k, (name, start, end) in enumerate(sentence.words):
            on_topic = sentence.kind == "on" and k == sentence.noun_at
            word = Word(word=name, start=round(start, 3), end=round(end, 3), on_topic=on_topic, sentence=n)
            if k in sentence.fillers:
                word["filler"] = True
            if name in objects:
                middle = (start + end) / 2
                word["in_view"] = name in visible(scenes, middle, middle + 0.001)
            words.append(word)
    return words


def _pairs(said: Sequence[Said], scenes: Sequence[Scene]) -> list[Pair]:
    pairs = []
    for sentence in said:
        if sentence.kind != "on":
            continue
        assert sentence.noun is not None and sentence.noun_at is not None  # noqa: PT018
        assert sentence.scene is not None and sentence.shift is not None  # noqa: PT018
        _, start, end = sentence.words[sentence.noun_at]
        scene = scenes[sentence.scene]
        pairs.append(
            Pair(
                word=sentence.noun,
                word_start=round(start, 3),
                word_end=round(end, 3),
                scene=sentence.scene,
                start=scene["start"],
                end=scene["end"],
                shift=round(sentence.shift, 3),
            )
        )
    return pairs


def _sentence(said: Said) -> Sentence:
    return Sentence(
        start=round(said.words[0].start, 3),
        end=round(said.words[-1].end, 3),
        kind=said.kind,
        noun=said.noun,
        text=" ".join(word for word, _, _ in said.words),
        scene=said.scene,
        shift=None if said.shift is None else round(said.shift, 3),
        shown=None if said.shown is None else round(said.shown, 3),
    )


def _silences(words: Sequence[Word], seconds: float) -> list[list[float]]:
    """Stretches of a second or more without a word."""
    edges = [0.0, *(time for word in words for time in (word["start"], word["end"])), seconds]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return [[round(start, 3), round(end, 3)] for start, end in gaps if end - start >= 1.0]


def _thumbnail(r: random.Random, job: _Job, channel: Channel, scenes: Sequence[Scene], video_id: str) -> Json:
    """Draw the thumbnail, which decides part of how often the video is watched; returns its truth."""
    features: dict[str, float] = {name: r.random() for name in ("object_size", "saturation", "brightness")}
    features["face"], features["text"] = int(r.random() < 0.4), int(r.random() < 0.5)
    seen = Counter(scene["object"] for scene in scenes if scene["object"])
    star = str(seen.most_common(1)[0][0]) if seen else job.objects[0]
    text = r.choice(["WOW", "LOOK", "NEW", "TODAY", "HOW"])
    photo = r.choice(job.photos[star]) if job.photos else None
    path = f"{channel.id}/{video_id}.jpg"
    draw.thumbnail(star, r, channel.style, channel.who, features, text, photo).save(job.bed.out / path, quality=88)
    used = {name: value for name, value in features.items() if not job.photos or name in ("face", "text")}
    picture = sum(THUMBNAIL_WEIGHTS[name] * (value - 0.5) for name, value in used.items())
    luck = r.gauss(0, LUCK_SD)
    return {
        "path": path,
        "object": star,
        "features": features,
        "weights": THUMBNAIL_WEIGHTS,
        "log_picture": round(picture, 3),
        "log_noise": round(luck, 3),
        "channel_base": channel.views_per_day,
        "views_per_day": round(channel.views_per_day * math.exp(picture + luck), 2),
    }


def _title(r: random.Random, scenes: Sequence[Scene], number: int) -> str:
    seen = list(dict.fromkeys(scene["object"] for scene in scenes if scene["object"]))
    title = f"{r.choice(['Look at', 'Today', 'My day with', 'How we see'])} the {seen[0]}" if seen else "Hello"
    if len(seen) > 2:
        title += f" and the {r.choice(seen[1:])}"
    return f"{title} part {number + 1}"


def _lag(text: str) -> tuple[float, float]:
    low, _, high = text.partition("..")
    return float(low), float(high or low)


def bed_of_command_line(arguments: Sequence[str]) -> Bed:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--videos", type=int, required=True, help="in all, dealt to the channels in turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--objects", dest="classes", type=int, default=32, help=f"classes used, at most {len(OBJECTS)}")
    parser.add_argument("--lag", type=_lag, default=Bed.lag, metavar="LOW..HIGH", help="seconds said after shown")
    parser.add_argument("--jitter", type=float, default=0.4, help="standard deviation of each sentence's own shift, cut at 1 s")
    parser.add_argument("--offtopic", type=float, default=0.5, help="share of sentences that do not name what is shown")
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--base", default=Bed.base, help="address written into pages and feeds; serve.py replaces it")
    parser.add_argument("--photos", type=Path, help="a folder with a sub-folder of pictures a class, in place of drawings")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--truth-only", action="store_true", help="write truth.jsonl, pages and thumbnails only")
    joined = list(arguments)
    for k in range(len(joined) - 1, 0, -1):  # "--lag -6..6": argparse would take the value for an option
        if joined[k - 1] == "--lag":
            joined[k - 1 : k + 1] = [f"--lag={joined[k]}"]
    return Bed(**vars(parser.parse_args(joined)))


def main() -> None:
    bed = bed_of_command_line(sys.argv[1:])

    def report(video: VideoTruth) -> None:
        told = f"pairs {len(video['pairs'])} of {len(video['sentences'])} sentences"
        print(f"{video['video_id']} lag {video['lag']['offset']:+.2f} {told}", flush=True)

    try:
        make_bed(bed, report)
    except (MissingToolsError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
