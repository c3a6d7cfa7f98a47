"""Small clips, made here: grey pictures that change, and a tone."""

from pathlib import Path

import av
import numpy as np


def write_clip(
    path: Path, *, seconds: float = 3.0, container: str = "mp4", picture: bool = True, sound: bool = True,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of 64 x 48 px at 10 frames a second, one keyframe a second, with a 440 Hz tone."""
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        frames = output.add_stream("mpeg4", rate=10, options={"g": "10"}) if picture else None
        tone = output.add_stream("mp2" if container in ("mpegts", "hls") else "aac", rate=16_000) if sound else None
        if frames is not None:
            frames.width, frames.height, frames.pix_fmt = 64, 48, "yuv420p"
        if tone is not None:
            tone.layout = "mono"
        for number in range(round(seconds * 10)):
            if frames is not None:
                grey = np.full((72, 64), number % 200 + 20, np.uint8)
                grey[48:] = 128
                image = av.VideoFrame.from_ndarray(grey, format="yuv420p")
                image.pts = number
                output.mux(frames.encode(image))
            if tone is not None:
                times = (np.arange(1_600) + number * 1_600) / 16_000
                wave = (np.sin(2 * np.pi * 440 * times) * 8_000).astype(np.int16)[None]
                samples = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
                samples.sample_rate, samples.pts = 16_000, number * 1_600
                output.mux(tone.encode(samples))
        for stream in (frames, tone):
            if stream is not None:
                output.mux(stream.encode(None))
    return path


def write_hls(folder: Path, seconds: float = 6.0) -> Path:
    """The same as an HLS playlist of one-second fragments, `list.m3u8` and `part0.ts` onwards; returns the playlist."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "hls_time": "1", "hls_list_size": "0", "hls_playlist_type": "vod", "hls_segment_filename": str(folder / "part%d.ts")}
    return write_clip(folder / "list.m3u8", seconds=seconds, container="hls", options=options)
