import struct
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.audio.extract import extract_audio
from tasks.errors import UnusableVideoError
from tests.audio.params import AUDIO

RATE = 16_000
FRAME = 800  # samples: 50 ms


def make_sound(path: Path, frames: Sequence[tuple[float, bool]], rate: int = RATE) -> Path:
    """Write a file of 50 ms frames given as (presentation time in seconds, loud?). Loud frames hold a full-scale sine."""
    tone = np.round(20_000 * np.sin(2 * np.pi * 1000 * np.arange(rate // 20) / rate)).astype(np.int16)
    codec = "mp2" if path.suffix == ".ts" else "pcm_s16le"
    with av.open(str(path), "w") as container:
        stream = cast(av.AudioStream, container.add_stream(codec, rate=rate, layout="mono"))
        for time, loud in frames:
            frame = av.AudioFrame.from_ndarray((tone if loud else tone * 0)[None], format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, 1000), round(time * 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def run(sound: Path) -> tuple[dict[str, object], NDArray[np.int16]]:
    wav = sound.with_suffix(".out.wav")
    summary = extract_audio("v", sound, wav, AUDIO, progress=lambda seconds: None)
    with wave.open(str(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return summary, np.frombuffer(file.readframes(file.getnframes()), np.int16)


def onsets(samples: NDArray[np.int16]) -> list[float]:
    """When sound begins after silence, in seconds, to a millisecond or so."""
    loud = np.abs(samples.reshape(-1, 16).astype(int)).max(1) > 3000
    return [round(float(i) / 1000, 3) for i in np.flatnonzero(loud[1:] & ~loud[:-1]) + 1]


def times(start: float, end: float) -> list[float]:
    return [round(start + 0.05 * i, 3) for i in range(round((end - start) / 0.05))]


def test_a_late_start_is_silence_so_that_sample_times_are_media_times(tmp_path: Path) -> None:
    summary, samples = run(make_sound(tmp_path / "a.mkv", [(t, t >= 2.0) for t in times(1.5, 3.0)]))
    assert summary["duration"] == 3.0
    assert onsets(samples) == pytest.approx([2.0], abs=0.002)


def test_a_gap_is_filled_with_silence(tmp_path: Path) -> None:
    frames = [(t, t < 0.5) for t in times(0, 1)] + [(t, t >= 4.0) for t in times(3.5, 4.5)]
    summary, samples = run(make_sound(tmp_path / "a.mkv", frames))
    assert summary["duration"] == 4.5
    assert onsets(samples) == pytest.approx([4.0], abs=0.002)


def test_sound_that_is_sent_twice_is_heard_once(tmp_path: Path) -> None:
    first = make_sound(tmp_path / "a.ts", [(t, True) for t in times(100, 101)])
    again = make_sound(tmp_path / "b.ts", [(t, True) for t in times(100.5, 102)])
    first.write_bytes(first.read_bytes() + again.read_bytes())  # transport streams can be joined like this
    summary, _ = run(first)
    assert summary["duration"] == pytest.approx(2.0, abs=0.1)


def test_a_transport_stream_begins_at_zero_whatever_its_clock_says(tmp_path: Path) -> None:
    summary, _ = run(make_sound(tmp_path / "a.ts", [(t, True) for t in times(4000, 4002)]))
    assert summary["duration"] == pytest.approx(2.0, abs=0.1)


def test_a_timestamp_days_away_is_refused_before_silence_fills_the_disk(tmp_path: Path) -> None:
    sound = make_sound(tmp_path / "a.mkv", [*((t, True) for t in times(0, 1)), (200_000.0, True)])
    with pytest.raises(UnusableVideoError) as caught:
        run(sound)
    assert caught.value.code == "bad_timestamps"
    assert sound.with_suffix(".out.wav").stat().st_size < 100_000


def test_stereo_float_at_8_khz_becomes_mono_at_16_khz(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000).astype(np.float32) / 2
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=8000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone], 1).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    summary, samples = run(path)
    assert summary["duration"] == pytest.approx(1.0, abs=0.001)
    spectrum = np.abs(np.fft.rfft(samples[:16_000]))
    assert int(spectrum.argmax()) == 1000  # one bin a hertz
    assert int(np.abs(samples).max()) == pytest.approx(16_384, rel=0.05)


def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(UnusableVideoError) as caught:
        run(path)
    assert caught.value.code == "no_audio"


@pytest.mark.parametrize(("rate", "channels", "bits"), [(0, 1, 16), (16_000, 0, 16), (16_000, 1, 0)])
def test_impossible_sound_is_bad_audio(tmp_path: Path, rate: int, channels: int, bits: int) -> None:
    path = tmp_path / "a.wav"
    head = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * 2, 2, bits)
    path.write_bytes(b"RIFF" + struct.pack("<I", 1036) + b"WAVEfmt " + head + b"data" + struct.pack("<I", 1000) + bytes(1000))
    with pytest.raises(UnusableVideoError) as caught:
        run(path)
    assert caught.value.code == "bad_audio"


@pytest.mark.media
def test_five_spoken_numbers_are_found_where_they_are(media_folder: Path, tmp_path: Path) -> None:
    params = AUDIO.model_copy(update={"silence_dbfs": -25.0})  # the recording is noisy
    film = media_folder / "video-speech" / "count_fingers_english.mp4"
    summary = extract_audio("v", film, tmp_path / "a.wav", params, progress=lambda seconds: None)
    spoken = [(5.17, 5.38), (8.43, 8.65), (13.18, 13.47), (16.76, 17.01), (20.01, 20.32)]
    assert summary["loud"] == [pytest.approx(times, abs=0.06) for times in spoken]


@pytest.mark.media
@pytest.mark.parametrize("name", ["earth.mp4", "earth.webm", "earth.ogg", "earth.avi"])
def test_every_container_gives_the_same_five_seconds(media_folder: Path, tmp_path: Path, name: str) -> None:
    summary = extract_audio("v", media_folder / "hard" / name, tmp_path / "a.wav", AUDIO, progress=lambda seconds: None)
    assert summary["duration"] == pytest.approx(5.0, abs=0.05)


@pytest.mark.media
def test_a_truncated_film_gives_the_sound_that_is_there(media_folder: Path, tmp_path: Path) -> None:
    film = media_folder / "hard" / "truncated_talk.mp4"
    summary = extract_audio("v", film, tmp_path / "a.wav", AUDIO, progress=lambda seconds: None)
    assert 39 < summary["duration"] < 41
    assert summary["damaged_packets"] >= 1
