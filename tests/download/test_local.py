"""A file of the user's own: linked or referenced, never changed; what lies beside it comes along."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.download.fetch import fetch_media, media_fingerprint
from tasks.download.media import damaged_files, is_whole, read_media
from tasks.errors import IntegrityError, UnusableVideoError
from tasks.params import DiscoveryParams, DownloadParams
from tasks.schema import Media, Video
from tasks.storage.artefact import digest_file
from tests.download.clips import write_clip

VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"
SRT = "1\n00:00:00,000 --> 00:00:01,000\nhello\n"
Fetch = Callable[..., Media]


@pytest.fixture
def source(clip: Path, tmp_path: Path) -> Path:
    """A video of the user's, in a folder of their own."""
    path = tmp_path / "mine" / "My [first] talk.mp4"
    path.parent.mkdir()
    shutil.copyfile(clip, path)
    return path


@pytest.fixture
def fetch(params: DownloadParams, discovery: DiscoveryParams, tmp_path: Path) -> Fetch:
    def fetch_one(source: Path, folder: str = "m", **changes: object) -> Media:
        wanted = params.model_copy(update=changes)
        return fetch_media(local(source), tmp_path / folder / "v", wanted, discovery, lambda _: None)
    return fetch_one


def local(source: Path) -> Video:
    return Video(f"file_{digest_file(source)[:16]}", str(source), title=source.stem)


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def states(media: Media) -> dict[str, str]:
    return dict(json.loads((media.info.parent / "media.json").read_text())["states"])


def test_the_original_is_linked_and_stays_as_it_is(source: Path, fetch: Fetch) -> None:
    before = source.read_bytes(), source.stat().st_mtime_ns, source.stat().st_mode
    media = fetch(source)
    assert (source.read_bytes(), source.stat().st_mtime_ns, source.stat().st_mode) == before
    assert media.picture.samefile(source)
    assert media.picture.name == "picture.mp4"
    assert media.sound == media.picture
    assert media.duration == pytest.approx(3.0, abs=0.1)
    assert json.loads(media.info.read_text())["title"] == "My [first] talk"
    assert str(source.parent) not in media.info.read_text()


def test_where_links_cannot_be_made_the_original_is_referenced(
        source: Path, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    media = fetch(source)
    assert media.picture == source
    assert is_whole(media.info.parent)
    assert media.content == read_media(media.info.parent).content


def test_what_lies_beside_it_comes_along(source: Path, fetch: Fetch) -> None:
    stem = source.with_suffix("")
    Path(f"{stem}.vtt").write_text(VTT)
    Path(f"{stem}.en.srt").write_text(SRT)  # the same captions, less well
    Path(f"{stem}.en-orig.vtt").write_text(VTT.replace("hello", "<00:00.100><c>hello</c>"))
    Path(f"{stem}.de.vtt").write_text(VTT)
    Path(f"{stem}.jpg").write_bytes(b"\xff\xd8\xff")
    Path(f"{stem}.info.json").write_text(json.dumps({"id": "x", "title": "T", "license": "CC-BY", "cookies": "secret"}))
    (source.parent / "My f talk.vtt").write_text(VTT)  # another stem, though a careless pattern would take it
    media = fetch(source)
    assert [(c.path.name, c.language, c.kind, c.format) for c in sorted(media.captions, key=lambda c: c.path)] == [
        ("captions.en.auto.vtt", "en", "auto", "vtt"), ("captions.en.manual.vtt", "en", "manual", "vtt")]
    assert media.thumbnail is not None
    info = json.loads(media.info.read_text())
    assert (info["title"], info["licence"]) == ("T", "CC-BY")
    assert "secret" not in media.info.read_text()
    assert states(media) == {
        "captions.en.auto": "ok", "captions.en.manual": "ok", "info": "ok", "thumbnail": "ok"}


def test_bad_neighbours_are_states_not_failures(source: Path, fetch: Fetch) -> None:
    stem = source.with_suffix("")
    Path(f"{stem}.vtt").write_text("<html>")
    Path(f"{stem}.info.json").write_text("{torn")
    Path(f"{stem}.srt").symlink_to("/etc/hostname")
    media = fetch(source)
    assert media.captions == ()
    assert states(media)["captions.en.manual"].startswith("failed")
    assert states(media)["info"].startswith("failed")


def test_new_captions_beside_it_change_the_fingerprint_and_the_content(
        source: Path, fetch: Fetch, params: DownloadParams) -> None:
    before, content = media_fingerprint(local(source), params), fetch(source).content
    Path(f"{source.with_suffix('')}.vtt").write_text(VTT)
    assert media_fingerprint(local(source), params) != before
    assert fetch(source).content != content


def test_wishes_that_change_no_bytes_do_not_change_the_fingerprint(source: Path, params: DownloadParams) -> None:
    slower = params.model_copy(update={"timeout_seconds": 99.0, "attempts": 9})
    assert media_fingerprint(local(source), slower) == media_fingerprint(local(source), params)


def test_a_silent_video_has_no_sound_and_a_recording_no_picture(tmp_path: Path, fetch: Fetch) -> None:
    assert fetch(write_clip(tmp_path / "s.mp4", sound=False)).sound is None
    with pytest.raises(UnusableVideoError) as caught:
        fetch(write_clip(tmp_path / "a.mp4", picture=False), folder="a")
    assert caught.value.code == "no_picture"


@pytest.mark.parametrize(("make", "code"), [
    (lambda path: path.unlink(), "missing"), (lambda path: path.write_bytes(path.read_bytes() + b"x"), "changed"),
    (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), "not_a_regular_file"),
    (replace_by_pipe, "not_a_regular_file"), (lambda path: path.write_bytes(b""), "empty_file")])
def test_a_file_that_is_not_what_was_listed_is_named(
        source: Path, params: DownloadParams, discovery: DiscoveryParams, tmp_path: Path, make: Callable[[Path], object],
        code: str) -> None:
    video = local(source)
    make(source)
    with pytest.raises(UnusableVideoError) as caught:
        fetch_media(video, tmp_path / "m", params, discovery, lambda _: None)
    assert caught.value.code == code
    assert not (tmp_path / "m").exists()


def test_the_same_file_gives_the_same_record(source: Path, fetch: Fetch) -> None:
    first, second = (fetch(source, folder=name).info.parent / "media.json" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_torn_folder_is_noticed(source: Path, fetch: Fetch) -> None:
    folder = fetch(source).info.parent
    info = (folder / "info.json").read_bytes()
    for damage in (b"", info + b"x"):
        (folder / "info.json").write_bytes(damage)
        assert not is_whole(folder)
        with pytest.raises(IntegrityError, match=r"info\.json"):
            read_media(folder)
    (folder / "info.json").write_bytes(info.replace(b"talk", b"tall"))  # the same size
    assert [path.name for path in damaged_files(folder)] == ["info.json"]
    (folder / "media.json").write_text('{"files": {}}')
    with pytest.raises(IntegrityError):
        read_media(folder)
    with pytest.raises(IntegrityError):
        read_media(folder / "nowhere")


@pytest.mark.media
@pytest.mark.parametrize(("name", "outcome"), [
    ("hard/zero_bytes.mp4", "empty_file"), ("hard/broken_header.mp4", "undecodable"), ("hard/empty13.flv", "undecodable"),
    ("hard/audio_only.mp4", "no_picture"), ("hard/truncated_bunny.webm", "incomplete"),
    ("hard/truncated_talk.mp4", "incomplete"), ("video-speech/count_english_audio.mp4", "no_picture"),
    ("hard/no_duration.webm", 4.94), ("hard/vfr_webcam.mov", 7.56), ("hard/newtons_cradle.gif", 0.82),
    ("hard/earth.ogg", 5.0), ("hard/earth.avi", 5.03), ("video-speech/laion_talk_slides.mp4", 122.67)])
def test_real_files_end_with_their_duration_or_a_named_reason(
        media_folder: Path, fetch: Fetch, name: str, outcome: str | float) -> None:
    if isinstance(outcome, float):
        assert fetch(media_folder / name, duration_tolerance_seconds=2.0, max_duration_seconds=1_000).duration == pytest.approx(
            outcome, abs=0.1)
    else:
        with pytest.raises(UnusableVideoError) as caught:
            fetch(media_folder / name, duration_tolerance_seconds=2.0)
        assert caught.value.code == outcome


@pytest.mark.media
def test_a_real_video_takes_its_captions_along(media_folder: Path, fetch: Fetch) -> None:
    media = fetch(media_folder / "video-speech" / "manifesto.mp4")
    assert [(c.language, c.kind, c.format) for c in sorted(media.captions, key=lambda c: c.kind)] == [
        ("en", "auto", "vtt"), ("en", "manual", "srt")]
