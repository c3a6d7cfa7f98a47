import struct
import zipfile
from pathlib import Path

import pytest

from tasks.errors import UnusableVideoError
from tasks.storage.sniff import media_format

MP4 = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + struct.pack(">I4s", 16, b"mdat") + bytes(8)


@pytest.mark.parametrize(("head", "name"), [
    (MP4, "mp4"),
    (b"\x1aE\xdf\xa3" + bytes(40), "matroska"),
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", "wav"),
    (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"),
    (b"\xff\xfb\x90\x00" + bytes(40), "mp3"),
    (b"\xff\xf1\x50\x80" + bytes(40), "aac"),
    ((b"\x47" + bytes(187)) * 3, "mpegts"),
])
def test_the_container_is_known_by_its_first_bytes_whatever_the_name(tmp_path: Path, head: bytes, name: str) -> None:
    path = tmp_path / "video.txt"
    path.write_bytes(head)
    assert media_format(path) == name


@pytest.mark.parametrize(("content", "code"), [
    (b"", "empty_file"),
    (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "playlist_as_media"),
    (b"\xef\xbb\xbf\n ffconcat version 1.0\nfile other.mp4\n", "playlist_as_media"),
    (b"<?xml version='1.0'?>\n<MPD><BaseURL>http://example.org/</BaseURL></MPD>", "playlist_as_media"),
    (b"<!doctype html><title>404</title>", "not_a_video"),
    (b"\x7fELF\x02\x01\x01", "not_a_video"),
    (b"PK\x03\x04 a zip", "not_a_video"),
    (b"\xff", "not_a_video"),
])
def test_what_is_no_media_is_named(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    with pytest.raises(UnusableVideoError) as caught:
        media_format(path)
    assert caught.value.code == code


def test_a_video_with_a_zip_archive_behind_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(MP4)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("hidden", "x" * 10)
    with pytest.raises(UnusableVideoError, match="zip archive behind it"):
        media_format(path)


def test_a_video_that_only_happens_to_hold_the_mark_of_an_archive_is_a_video(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(MP4 + b"PK\x05\x06" + bytes(40))
    assert media_format(path) == "mp4"
