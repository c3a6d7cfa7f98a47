import zipfile
from pathlib import Path

import pytest

from tasks.errors import UnusableVideoError
from tasks.frames.container import open_picture
from tests.frames.clips import frames_params, scene, write_clip


def code_of(path: Path, **changes: object) -> str:
    with pytest.raises(UnusableVideoError) as caught, open_picture(path, frames_params(**changes)):
        pass
    assert "\n" not in str(caught.value)
    return caught.value.code


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", [scene(n // 5) for n in range(25)])


def test_a_whole_clip_opens_with_one_decoder_thread(clip: Path) -> None:
    with open_picture(clip, frames_params()) as (container, stream):
        assert container.format.name == "mp4"
        assert stream.codec_context.thread_count == 1


@pytest.mark.parametrize(("content", "code"), [
    (b"", "empty_file"),
    (b"<!doctype html><title>Sign in</title>", "not_a_video"),
    (b"\x7fELF\x02\x01\x01" + bytes(64), "not_a_video"),
    (b"#EXTM3U\n#EXTINF:1,\nother.mp4\n", "playlist_as_media"),
    (b"ffconcat version 1.0\nfile other.mp4\n", "playlist_as_media"),
    (b"<?xml version='1.0'?><MPD></MPD>", "playlist_as_media"),
])
def test_what_is_no_video_is_named_whatever_it_is_called(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    assert code_of(path) == code


def test_an_archive_behind_a_video_is_refused(clip: Path) -> None:
    with zipfile.ZipFile(clip, "a") as archive:
        archive.writestr("hidden", "x")
    assert code_of(clip) == "not_a_video"


def test_a_video_without_its_index_is_named(clip: Path) -> None:
    whole = clip.read_bytes()
    assert whole.index(b"mdat") < whole.index(b"moov")
    clip.write_bytes(whole[:whole.index(b"moov") - 4])
    assert code_of(clip) == "no_index"
    clip.write_bytes(whole[:len(whole) // 2])
    assert code_of(clip) == "no_index"


def test_a_video_cut_off_behind_its_index_is_truncated(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", [scene(n) for n in range(25)], options={"movflags": "+faststart"})
    whole = path.read_bytes()
    index, pictures = (whole.index(kind) - 4 for kind in (b"moov", b"mdat"))
    if pictures < index:  # put the index first, as a streaming file has it; its offsets do not matter here
        whole = whole[:pictures] + whole[index:] + whole[pictures:index]
    path.write_bytes(whole[:-500])
    assert code_of(path) == "truncated"


def test_padding_behind_a_video_is_no_fault(clip: Path) -> None:
    clip.write_bytes(clip.read_bytes() + bytes(1000))
    with open_picture(clip, frames_params()) as (_, stream):
        assert stream.codec_context.width == 96


def test_an_encrypted_picture_is_named(clip: Path) -> None:
    clip.write_bytes(clip.read_bytes().replace(b"avc1", b"encv", 2))
    assert b"encv" in clip.read_bytes()
    assert code_of(clip) == "encrypted"


@pytest.mark.parametrize(("changes", "code"), [
    ({"max_pixels": 96 * 64 - 1}, "too_many_pixels"),
    ({"max_frames_per_second": 20}, "over_cap"),
    ({"max_duration_seconds": 0.5}, "over_cap"),
])
def test_caps_hold_before_a_picture_is_decoded(clip: Path, changes: dict[str, object], code: str) -> None:
    assert code_of(clip, **changes) == code


def test_more_streams_than_allowed_are_refused(tmp_path: Path) -> None:
    import av

    path = tmp_path / "many.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("rawvideo", rate=1) for _ in range(5)]
        for stream in streams:
            stream.width = stream.height = 16
            stream.pix_fmt = "yuv420p"
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
    assert code_of(path, max_streams=4) == "over_cap"
