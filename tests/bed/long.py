"""Make one long narrated video, for benchmarks: distinct minutes, repeated in turn until it is long enough.

    python -m tests.bed.long --minutes 60 --height 720 --out DIR

Cheap: each distinct minute is drawn and coded once; the picture is joined without coding it again, and the sound, joined
as samples, is coded in one pass, so that neither drifts. Writes DIR/long.mp4 and DIR/truth.jsonl.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from tests.bed.make import Bed, MissingToolsError, make_bed
from tests.bed.truth import Cut, Json, VideoTruth, write_truth

MINUTE = 60.0
RATE_HZ = 44_100
SAMPLE_BYTES = 2  # mono, 16 bits
LISTS = ("scenes", "cuts", "talking_heads", "slides", "sentences", "words", "pairs", "fillers", "silences")


def make_long(
    out: Path, minutes: int, height: int, *, distinct: int = 6, seed: int = 1, lag: float = 0.0, jobs: int = 1
) -> VideoTruth:
    """Write the video and its truth below `out`; returns the truth. The scenes of a minute shown again repeat the first.

    Raises MissingToolsError naming the packages; subprocess.CalledProcessError when ffmpeg fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        folder = Path(scratch)
        count = min(distinct, minutes)
        videos = make_bed(Bed(folder, count, seed=seed, seconds=MINUTE, lag=(lag, lag), channels=1, jobs=jobs))
        pictures = [_code_picture(folder / video["path"], height, video) for video in videos]
        sounds = [_samples(folder / video["path"]) for video in videos]
        order = [k % count for k in range(minutes)]
        _join(out / "long.mp4", [pictures[k] for k in order], [sounds[k] for k in order])
    truth = join_truth(videos, minutes)
    truth["video_id"], truth["path"], truth["page"] = f"long-{minutes}m-{height}p", "long.mp4", "long.html"
    truth["height"], truth["width"] = height, height * 16 // 9
    write_truth(out / "truth.jsonl", [truth])
    return truth


def _code_picture(path: Path, height: int, video: VideoTruth) -> Path:
    """The picture alone at the height wanted, beside `path`."""
    coded = path.with_suffix(".picture.mp4")
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(video["crf"]), "-g", str(video["gop"])]
    scale = ["-an", "-vf", f"scale=-2:{height}", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), *scale, *coding, str(coded)], check=True)
    return coded


def _samples(path: Path) -> bytes:
    """Exactly a minute of sound as s16 mono at RATE_HZ."""
    exact = ["-af", f"apad,atrim=end_sample={int(MINUTE * RATE_HZ)}", "-ar", str(RATE_HZ), "-ac", "1", "-f", "s16le", "-"]
    samples = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-vn", *exact], check=True, stdout=subprocess.PIPE).stdout
    assert len(samples) == int(MINUTE * RATE_HZ) * SAMPLE_BYTES
    return samples


def _join(out: Path, pictures: Sequence[Path], sounds: Sequence[bytes]) -> None:
    playlist = pictures[0].with_name("playlist.txt")
    playlist.write_text("ffconcat version 1.0\n" + "".join(f"file {p.name}\nduration {MINUTE}\n" for p in pictures))
    command = ["ffmpeg", "-v", "error", "-y", "-f", "concat", "-i", str(playlist), "-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1"]
    command += ["-i", "-", "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart"]
    ffmpeg = subprocess.Popen([*command, "-fflags", "+bitexact", "-flags:a", "+bitexact", str(out)], stdin=subprocess.PIPE)
    assert ffmpeg.stdin is not None
    for samples in sounds:
        ffmpeg.stdin.write(samples)
    ffmpeg.stdin.close()
    if ffmpeg.wait():
        raise subprocess.CalledProcessError(ffmpeg.returncode, command)


def join_truth(videos: Sequence[VideoTruth], minutes: int) -> VideoTruth:
    """The truth of `minutes` minutes made of `videos`, each a minute long, taken in turn."""
    parts: list[Json] = [json.loads(json.dumps(video)) for video in videos]
    whole: Json = {**parts[0], "duration": minutes * MINUTE, **{name: [] for name in LISTS}}
    first_scene: dict[int, int] = {}  # video -> index of its first scene when first shown
    for minute in range(minutes):
        k, scene_at = minute % len(parts), len(whole["scenes"])
        repeats = first_scene.get(k)
        first_scene.setdefault(k, scene_at)
        if minute:
            whole["cuts"].append(Cut(t=minute * MINUTE, kind="cut", duration=0.0))
        _append(whole, parts[k], minute * MINUTE, scene_at, repeats)
    repeated = [scene for scene in whole["scenes"] if scene["dup_of"] is not None]
    whole["duplicates"] = [{"kind": s["dup_kind"], "a": s["dup_of"], "b": s["i"], "how": s["how"]} for s in repeated]
    return cast(VideoTruth, whole)


def _append(whole: Json, part: Json, offset: float, scene_at: int, repeats: int | None) -> None:
    """Add what happens in one minute, `offset` seconds later. repeats: the first scene of the same minute shown before."""
    sentence_at = len(whole["sentences"])

    def later(row: Json, *names: str) -> Json:
        return {**row, **{name: round(row[name] + offset, 4) for name in names if row[name] is not None}}

    for scene in part["scenes"]:
        index, again = scene["i"], scene["dup_of"]
        moved = later(scene, "start", "end") | {"i": index + scene_at}
        if repeats is not None:
            moved |= {"dup_of": index + repeats, "dup_kind": "exact", "how": "same"}
        elif again is not None:
            moved["dup_of"] = again + scene_at
        whole["scenes"].append(moved)
    for sentence in part["sentences"]:
        scene = sentence["scene"]
        moved = later(sentence, "start", "end", "shown")
        whole["sentences"].append(moved | {"scene": None if scene is None else scene + scene_at})
    whole["cuts"] += [later(cut, "t") for cut in part["cuts"]]
    whole["words"] += [later(w, "start", "end") | {"sentence": w["sentence"] + sentence_at} for w in part["words"]]
    for pair in part["pairs"]:
        moved = later(pair, "start", "end", "word_start", "word_end")
        whole["pairs"].append(moved | {"scene": pair["scene"] + scene_at})
    for name in ("talking_heads", "slides", "silences"):
        whole[name] += [[round(start + offset, 4), round(end + offset, 4)] for start, end in part[name]]
    whole["fillers"] += [[word, round(start + offset, 4), round(end + offset, 4)] for word, start, end in part["fillers"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--distinct", type=int, default=6, help="minutes made before they repeat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lag", type=float, default=0.0)
    parser.add_argument("--jobs", type=int, default=1)
    a = parser.parse_args()
    try:
        make_long(a.out, a.minutes, a.height, distinct=a.distinct, seed=a.seed, lag=a.lag, jobs=a.jobs)
    except MissingToolsError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
