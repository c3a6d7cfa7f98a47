"""A sheet to follow one video by: a frame every few seconds with the truth under it.

python -m tests.bed.follow DIR VIDEO_ID --out sheet.png [--every 5]
"""

import argparse
import subprocess
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw

from tests.bed.draw import font
from tests.bed.truth import VideoTruth, read_truth

COLUMNS, WIDTH, HEIGHT, TEXT, HEAD, GAP = 4, 380, 214, 112, 24, 4  # px, but for the columns
RED, BLACK = (160, 0, 0), (0, 0, 0)


def follow_sheet(folder: Path, video: VideoTruth, every: float) -> Image.Image:
    """Frames of a video of the bed in `folder`, each with its scene and the words said until the next."""
    count = int(video["duration"] / every - 1e-6) + 1
    sheet = Image.new("RGB", (COLUMNS * WIDTH, -(-count // COLUMNS) * (HEIGHT + TEXT) + HEAD), "white")
    pen, letters = ImageDraw.Draw(sheet), font(14)
    head = f"{video['video_id']}  lag {video['lag']['offset']:+.2f} s (said minus shown)  {video['title']}"
    pen.text((6, 4), head, fill=BLACK, font=letters)
    for k in range(count):
        time = k * every + 0.02
        x, y = (k % COLUMNS) * WIDTH, (k // COLUMNS) * (HEIGHT + TEXT) + HEAD
        sheet.paste(_frame(folder / video["path"], time), (x, y))
        pen.text((x + GAP, y + HEIGHT - 2), f"{k * every:.0f} s  {_shown(video, time)}", fill=RED, font=letters)
        for row, line in enumerate(textwrap.wrap(_said(video, time, time + every), 54)[:5]):
            pen.text((x + GAP, y + HEIGHT + 16 + 17 * row), line, fill=BLACK, font=letters)
    return sheet


def _frame(path: Path, time: float) -> Image.Image:
    size = WIDTH - GAP, HEIGHT - GAP
    command = ["ffmpeg", "-v", "error", "-ss", str(time), "-i", str(path), "-frames:v", "1", "-s", f"{size[0]}x{size[1]}"]
    done = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE, check=True)
    return Image.frombytes("RGB", size, done.stdout)


def _shown(video: VideoTruth, time: float) -> str:
    scene = next(s for s in video["scenes"] if s["start"] <= time < s["end"])
    what = scene["object"] or scene["kind"]
    if scene["distractors"]:
        what += f" + {', '.join(scene['distractors'])}"
    if scene["dup_of"] is not None:
        what += f" ({scene['dup_kind']} of scene {scene['dup_of']}: {scene['how']})"
    return f"scene {scene['i']}: {what}"


def _said(video: VideoTruth, start: float, end: float) -> str:
    """*NOUN* is what the sentence is about and on screen, [noun] is any other object."""
    return " ".join(
        f"*{w['word'].upper()}*" if w["on_topic"] else f"[{w['word']}]" if "in_view" in w else w["word"]
        for w in video["words"]
        if start <= w["start"] < end
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("video")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=float, default=5)
    a = parser.parse_args()
    videos = {video["video_id"]: video for video in read_truth(a.folder / "truth.jsonl")}
    if a.video not in videos:
        parser.error(f"no video {a.video} in {a.folder}: it has {', '.join(videos)}")
    follow_sheet(a.folder, videos[a.video], a.every).save(a.out)


if __name__ == "__main__":
    main()
