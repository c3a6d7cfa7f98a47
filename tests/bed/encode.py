"""Stills and samples to an mp4: camera motion, dissolves, grain, a talking mouth; coded by Debian's ffmpeg."""

import math
import random
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.bed import draw
from tests.bed.channels import Channel
from tests.bed.scenes import Still
from tests.bed.truth import Cut, Scene

WIDTH, HEIGHT = 640, 360


@dataclass(frozen=True)
class Picture:
    """The moving picture of one video."""

    channel: Channel
    scenes: Sequence[Scene]
    stills: Sequence[Still]
    cuts: Sequence[Cut]
    mouth: NDArray[np.intp]  # of each frame: 0 closed, 1 half open, 2 open
    phase: float

    def frame(self, k: int, n: int) -> Image.Image:
        """Frame n of the video, as scene k shows it."""
        scene, style, time = self.scenes[k], self.channel.style, n / self.channel.fps
        u = min(1.2, max(-0.2, (time - scene["start"]) / (scene["end"] - scene["start"])))
        first, last = scene["window"]
        x, y, w, h = (a + (b - a) * u for a, b in zip(first, last, strict=True))
        if style["shake"] and not scene["static"]:
            x += style["shake"] / WIDTH * math.sin(time * 5.1 + self.phase)
            y += style["shake"] / HEIGHT * math.sin(time * 6.7 + self.phase * 2)
        x, y = min(max(0, x), 1 - min(w, 1)), min(max(0, y), 1 - min(h, 1))
        w, h = min(w, 1 - x), min(h, 1 - y)
        still = self.stills[k]
        picture = still[self.mouth[n]] if len(still) == 3 else still[0]
        box = (x * draw.W, y * draw.H, (x + w) * draw.W, (y + h) * draw.H)
        return picture.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=box)

    def frames(self, grain: Sequence[NDArray[np.int16]]) -> Iterator[bytes]:
        """Every frame as RGB24. grain: noise patterns taken in turn, none on still scenes."""
        fps, scenes = self.channel.fps, self.scenes
        fades = {k + 1: cut["duration"] for k, cut in enumerate(self.cuts) if cut["duration"]}
        k, held = 0, (-1, b"")
        for n in range(len(self.mouth)):
            while k + 1 < len(scenes) and n >= round(scenes[k + 1]["start"] * fps):
                k += 1
            near = [(q, d) for q, d in fades.items() if abs(n / fps - scenes[q]["start"]) < d / 2]
            if scenes[k]["static"] and not near:
                if held[0] != k:
                    held = k, self.frame(k, n).tobytes()
                yield held[1]
                continue
            if near:
                q, duration = near[0]
                share = (n / fps - scenes[q]["start"]) / duration + 0.5
                image = Image.blend(self.frame(q - 1, n), self.frame(q, n), share)
            else:
                image = self.frame(k, n)
            if grain and not scenes[k]["static"]:
                noisy = np.asarray(image).astype(np.int16) + grain[n % len(grain)]
                yield np.clip(noisy, 0, 255).astype(np.uint8).tobytes()
            else:
                yield image.tobytes()


def encode(
    path: Path,
    r: random.Random,
    channel: Channel,
    scenes: Sequence[Scene],
    stills: Sequence[Still],
    cuts: Sequence[Cut],
    audio: NDArray[np.float32],
    rate: int,
    seconds: float,
) -> None:
    """Write the video. audio: samples in -1..1 at `rate` Hz. Raises RuntimeError when ffmpeg fails."""
    strength = channel.style["grain"]
    g = np.random.default_rng(r.randrange(1 << 30))
    grain = [g.normal(0, strength, (HEIGHT, WIDTH, 1)).astype(np.int16) for _ in range(6)] if strength else []
    mouth = _mouth(audio, rate, channel.fps, round(seconds * channel.fps))
    picture = Picture(channel, scenes, stills, cuts, mouth, r.uniform(0, 6))
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        write_wav(wav, audio, rate)
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(channel.fps), "-i", "-"]
        coding = ["-threads", "2", "-crf", str(channel.crf), "-g", str(channel.gop)]
        ffmpeg = subprocess.Popen(ffmpeg_command([*source, "-i", str(wav)], coding, path), stdin=subprocess.PIPE)
        assert ffmpeg.stdin is not None
        for frame in picture.frames(grain):
            ffmpeg.stdin.write(frame)
        ffmpeg.stdin.close()
        if ffmpeg.wait():
            raise RuntimeError(f"ffmpeg failed on {path.name}")


def ffmpeg_command(source: Sequence[str], coding: Sequence[str], path: Path) -> list[str]:
    """ffmpeg's arguments for H.264 and AAC in an mp4 that is the same, byte for byte, each time."""
    return [
        *("ffmpeg", "-v", "error", "-y", *source, "-c:v", "libx264", "-preset", "veryfast", *coding, "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-b:a", "96k", "-ar", "44100", "-ac", "2", "-movflags", "+faststart"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", str(path)),
    ]


def write_wav(path: Path, audio: NDArray[np.float32], rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((audio * 32767).astype("<i2").tobytes())


def _mouth(audio: NDArray[np.float32], rate: int, fps: int, frames: int) -> NDArray[np.intp]:
    """How far the mouth is open in each frame, from the mean level of its sound against that of the loud frames."""
    level = np.abs(audio)
    starts = [n * rate // fps for n in range(frames)]
    means = np.array([level[at : at + rate // fps].mean() if at < len(level) else 0 for at in starts])
    loud = np.percentile(means, 90) or 1
    return np.minimum(2, 2.2 * means / loud).astype(np.intp)
