"""The sound of a video as 16 kHz mono samples on the video's own clock.

Sample n of the WAV is what is heard n / rate seconds into the video by presentation timestamp: late starts and gaps are
filled with silence and repeated samples are left out, so that word times need no correction. Memory does not grow with
the length.
"""

import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av

from tasks.audio.loudness import LoudnessMeter
from tasks.audio.segments import cut_segments, loud_stretches
from tasks.errors import UnusableVideoError
from tasks.params import AudioParams
from tasks.storage.sniff import clock_origin, media_format

VERSION = 1  # raise it when the same input would give different samples or segments
# Containers round timestamps (Matroska: 1 ms; Vorbis block switches: 10 ms); only a larger step is a real gap.
JITTER_SECONDS = 0.03
BLOCK_SECONDS = 60
SAMPLE_BYTES = 2
# What PyAV raises on damaged packets; AttributeError comes from frames that lack a format.
DECODE_ERRORS = (av.FFmpegError, AttributeError, ValueError)


def extract_audio(
    video_id: str, sound: Path, wav: Path, params: AudioParams, *, progress: Callable[[float], None],
) -> dict[str, Any]:
    """Write the sound track as a mono 16-bit WAV and say where to cut it. Runs in a child process.

    Returns duration (seconds, where the last sample ends), segments ([start, end] in seconds, in order; neighbours overlap
    where there was no silence to cut at), loud ([start, end] of everything above the silence threshold), loudness_dbfs (of
    those; null when all is silent) and damaged_packets.
    Raises UnusableVideoError: `no_audio`, `bad_audio`, `bad_timestamps`, `too_long`, or what `media_format` raises.
    """
    meter = LoudnessMeter(params.sample_rate_hz)
    try:
        with av.open(str(sound), format=media_format(sound)) as container, wave.open(str(wav), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(SAMPLE_BYTES)
            out.setframerate(params.sample_rate_hz)
            track = _Track(video_id, container, params)
            for block in _in_blocks(track.samples(), BLOCK_SECONDS * params.sample_rate_hz * SAMPLE_BYTES):
                out.writeframesraw(block)
                meter.add(block)
                progress(meter.seconds)
    except av.FFmpegError as error:
        problem = f"{video_id}: sound cannot be opened ({error.strerror})"
        raise UnusableVideoError(problem, "drop the video", "bad_audio") from error
    track.check()
    return {
        "duration": meter.seconds,
        "segments": cut_segments(meter.levels(), meter.seconds, params),
        "loud": loud_stretches(meter.levels(), meter.seconds, params),
        "loudness_dbfs": meter.loudness_dbfs(),
        "damaged_packets": track.damaged,
    }


class _Track:
    """The first sound track of a container, decoded onto the clock of the video."""

    def __init__(self, video_id: str, container: av.container.InputContainer, params: AudioParams) -> None:
        if not container.streams.audio:
            raise UnusableVideoError(f"{video_id}: no sound track", "nothing can be heard in it: drop it", "no_audio")
        self.video_id = video_id
        self.container = container
        self.stream = container.streams.audio[0]
        if self.stream.codec_context is None:
            raise UnusableVideoError(f"{video_id}: sound in a coding that cannot be decoded", "drop the video", "bad_audio")
        self.stream.codec_context.thread_type = "NONE"  # threads cost more than they bring at these rates
        self.rate: int = params.sample_rate_hz
        self.max_seconds = params.max_duration_seconds
        self.written = 0  # output samples so far: the position on the clock
        self.decoded = 0  # frames used
        self.misplaced = 0  # frames whose timestamp had passed already
        self.damaged = 0  # packets that could not be decoded

    def samples(self) -> Iterator[bytes]:
        """Mono 16-bit samples from time 0 on, without a gap."""
        resampler: av.AudioResampler | None = None
        form: tuple[str, str, int] | None = None
        expected = 0.0  # where the next input sample belongs, in seconds
        for at, frame in self._frames():
            at = expected if at is None else at
            if at < expected - JITTER_SECONDS:
                self.misplaced += 1
                continue
            frame_form = (frame.format.name, frame.layout.name, frame.sample_rate)
            if resampler is None or frame_form != form or at > expected + JITTER_SECONDS:
                yield from self._resampled(resampler, None)
                yield from self._silence_until(at)
                resampler, form = av.AudioResampler(format="s16", layout="mono", rate=self.rate), frame_form
                expected = max(at, self.written / self.rate)
            frame.pts = None  # positions are ours; the resampler only counts samples
            yield from self._resampled(resampler, frame)
            expected += frame.samples / frame.sample_rate
            self.decoded += 1
        yield from self._resampled(resampler, None)

    def check(self) -> None:
        """Raises UnusableVideoError when what was decoded is not the sound of the video."""
        if not self.decoded:
            raise UnusableVideoError(f"{self.video_id}: no sound could be decoded", "drop the video", "bad_audio")
        if self.misplaced > self.decoded:
            raise UnusableVideoError(
                f"{self.video_id}: {self.misplaced} of {self.misplaced + self.decoded} sound frames run backwards in time",
                "drop the video or re-encode it", "bad_timestamps")

    def _frames(self) -> Iterator[tuple[float | None, av.AudioFrame]]:
        origin = clock_origin(self.container)
        for packet in self.container.demux(self.stream):
            try:
                for frame in packet.decode():
                    if frame.samples and frame.sample_rate:
                        yield (None if frame.time is None else frame.time - origin), frame
            except DECODE_ERRORS:
                self.damaged += 1

    def _resampled(self, resampler: av.AudioResampler | None, frame: av.AudioFrame | None) -> Iterator[bytes]:
        if resampler is None:
            return
        for piece in resampler.resample(frame):
            self.written += piece.samples
            yield bytes(piece.planes[0])[: piece.samples * SAMPLE_BYTES]
        if self.written > self.max_seconds * self.rate:
            raise UnusableVideoError(
                f"{self.video_id}: sound longer than {self.max_seconds:g} s",
                "raise audio.max_duration_seconds or drop the video", "too_long")

    def _silence_until(self, seconds: float) -> Iterator[bytes]:
        if seconds > self.max_seconds:
            raise UnusableVideoError(
                f"{self.video_id}: a sound frame says it is heard at {seconds:.0f} s", "drop the video", "bad_timestamps")
        missing = round(seconds * self.rate) - self.written
        while missing > 0:
            piece = min(missing, self.rate)
            self.written += piece
            missing -= piece
            yield bytes(piece * SAMPLE_BYTES)


def _in_blocks(pieces: Iterator[bytes], block_bytes: int) -> Iterator[bytes]:
    """The same bytes in blocks of one size; only the last may be shorter."""
    block = bytearray()
    for piece in pieces:
        block += piece
        while len(block) >= block_bytes:
            yield bytes(block[:block_bytes])
            del block[:block_bytes]
    if block:
        yield bytes(block)
