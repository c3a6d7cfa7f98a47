"""Very many very small videos, made in a moment: one clip of two seconds, each copy with bytes and captions of its own."""

import random
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.bed.vocabulary import NOUNS
from tests.flows.server import REPOSITORY

SECONDS = 2
WORDS = 6


def make_many(folder: Path, videos: int, seed: int) -> Path:
    """Write `videos` files with WebVTT captions beside them; nothing needs to be recognised. Needs ffmpeg.

    A copy differs from the others by an empty `free` box at its end, which players pass over.
    """
    folder.mkdir(parents=True)
    generator, nouns = random.Random(seed), sorted(NOUNS)
    clips = [_clip(source) for source in sorted((REPOSITORY / "data" / "sample").glob("*.mp4"))]
    for number in range(videos):
        tail = struct.pack(">I4sQ", 16, b"free", number)
        (folder / f"{number:05}.mp4").write_bytes(clips[number % len(clips)] + tail)
        said = " ".join(generator.sample(nouns, WORDS))
        (folder / f"{number:05}.en.vtt").write_text(f"WEBVTT\n\n00:00:00.000 --> 00:00:0{SECONDS}.000\nhere is the {said}\n")
    return folder


def _clip(source: Path) -> bytes:
    """The first seconds of a video, without its sound."""
    if shutil.which("ffmpeg") is None:
        raise RuntimeError("needs Debian's ffmpeg")
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        cut = ["ffmpeg", "-v", "error", "-i", str(source), "-t", str(SECONDS), "-c", "copy", "-an", str(clip)]
        subprocess.run(cut, check=True)
        return clip.read_bytes()
