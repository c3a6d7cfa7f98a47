"""Seeing and hearing one video: the CPU work of its lane, on whichever machine holds its media."""

from dataclasses import dataclass
from typing import Any

from flows.labeller import said
from tasks.audio.task import extract_audio
from tasks.frames.task import sample_frames
from tasks.params import AudioParams, FramesParams, Params, TranscriptionParams
from tasks.schema import Media
from tasks.storage.layout import DataFolder
from tasks.transcription.task import prepare_hearing, transcribe_video

Said = dict[str, dict[str, Any]]
# What children need, loaded once: 0.3 CPU seconds a child. pyarrow imports pandas, where it is, at first use.
CHILD_MODULES = [
    "av", "numpy", "pandas", "pyarrow.parquet", "PIL.Image", "pydub", "scipy.ndimage", "skimage.metrics._structural_similarity",
    "vosk", "tasks.download.probe", "tasks.frames.sample", "tasks.audio.extract", "tasks.transcription.transcribe",
    "tasks.report.sheet"]


@dataclass(frozen=True)
class SensingParams:
    """The settings that seeing and hearing depend on; nothing of where media come from, nothing secret."""

    frames: FramesParams
    audio: AudioParams
    transcription: TranscriptionParams
    decode_memory_megabytes: int

    @classmethod
    def of(cls, params: Params) -> "SensingParams":
        return cls(params.frames, params.audio, params.transcription, params.ingest.decode_memory_megabytes)


def see(media: Media, data: DataFolder, params: SensingParams) -> Said:
    """The sampled frames of the video, in its frames.parquet; returns what the step said, by its name."""
    return {"frames": said(sample_frames(media, data, params.frames, params.decode_memory_megabytes))}


def hear(media: Media, data: DataFolder, params: SensingParams) -> Said:
    """The words of the video, in its heard.parquet; returns what each step said, by its name."""
    hearing = prepare_hearing(media, data, params.audio, params.transcription)
    wav, sound = data.work / f"{media.video_id}.wav", dict[str, Any]()
    if hearing.needs_sound and media.sound is not None:
        sound = said(extract_audio(media, media.sound, wav, params.audio, params.decode_memory_megabytes))
    words = said(transcribe_video(media, hearing, wav, sound.get("segments", []), params.transcription))
    return {"sound": sound, "transcription": words}
