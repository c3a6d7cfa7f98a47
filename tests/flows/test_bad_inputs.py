"""Whatever is given: one line on stderr, the right exit code, nothing written, no traceback.

The rows are data; one test runs them all. Where a file is needed, a maker of this module writes it.
"""

import os
import re
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.flows.conftest import SAMPLE, Command
from tests.flows.server import REPOSITORY

FTYP = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def sample_video() -> Path:
    return min(SAMPLE.glob("*.mp4"))


def box(kind: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def written(content: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(content)

    return make


def first_half(path: Path) -> None:
    content = sample_video().read_bytes()
    path.write_bytes(content[: len(content) // 2])


def sound_only(path: Path) -> None:
    copy_streams(path, "audio")


def picture_only(path: Path) -> None:
    copy_streams(path, "video")


def copy_streams(path: Path, *kinds: str) -> None:
    """The sample's packets of some kinds, in a file of their own."""
    import av

    with av.open(str(sample_video())) as source, av.open(str(path), "w") as target:
        streams = [stream for stream in source.streams if stream.type in kinds]
        copies = {stream.index: target.add_stream_from_template(stream) for stream in streams}
        for packet in source.demux(streams):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)


def with_archive(path: Path) -> None:
    import io
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("payload", "x")
    path.write_bytes(sample_video().read_bytes() + archive.getvalue())


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to(sample_video())


def long_duration(path: Path) -> None:
    """The sample as Matroska, with 100 hours in its header (an MP4's own tables would tell better)."""
    copy_streams(path, "audio", "video")
    content = bytearray(path.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3  # the Duration element, eight bytes long, in milliseconds
    content[at:at + 8] = struct.pack(">d", 360_000_000.0)
    path.write_bytes(bytes(content))


def good_copy(path: Path) -> None:
    """A good video, to be refused for another reason."""
    path.write_bytes(sample_video().read_bytes())


def beside_empty_model(path: Path) -> None:
    good_copy(path)
    (path.parent / "model").mkdir()


@dataclass(frozen=True)
class Row:
    """One bad input: what is typed ({file} stands for the file made), how it ends, and what the line says."""

    name: str
    words: tuple[str, ...]
    said: str
    make: Callable[[Path], None] | None = None
    file: str = "video.mp4"
    code: int = 2
    settings: tuple[str, ...] = field(default=())


def url(name: str, address: str, said: str) -> Row:
    return Row(name, ("ingest", "--", address), said)


def media(name: str, make: Callable[[Path], None], said: str, file: str = "video.mp4", settings: tuple[str, ...] = ()) -> Row:
    return Row(name, ("ingest", "{file}"), said, make, file, settings=settings)


ROWS = [
    url("1 empty", "", "empty"),
    url("2 no address", "not a url", "not a url"),
    url("3 file scheme", "file:///etc/passwd", "scheme"),
    url("4 ftp scheme", "ftp://h.example/v.mp4", "scheme"),
    url("5 loopback", "http://127.0.0.1:8000/v.mp4", "private address"),
    url("6 loopback v6", "http://[::1]/v", "private address"),
    url("7 decimal", "http://2130706433/", "private address"),
    url("8 hex", "http://0x7f.1/", "private address"),
    url("8 short", "http://127.1/", "private address"),
    url("9 link-local", "http://169.254.169.254/latest/", "(link-local|private) address"),
    url("10 mapped", "http://[::ffff:10.0.0.1]/", "private address"),
    url("14 credentials", "https://user:hunter2@h.example/v", "credentials"),
    url("15 long", "https://h.example/" + "a" * 10_000, "too long"),
    url("16 newline", "https://h.example/a\nb", "control character"),
    url("17 option", "--exec id", 'starts with "?-'),
    url("18 search", "ytsearch1000:cat", "search"),
    url("19 other site", "https://h.example/v", "allowed_hosts"),
    Row("17 unknown option", ("ingest", "-o", "x"), "unrecognized|required"),
    Row("no command", (), "COMMAND|required"),
    media("25 empty file", written(b""), "empty"),
    media("26 no index", written(FTYP + box(b"mdat", b"\0" * 4000)), "no index|moov"),
    media("27 cut in the first frame", written(FTYP + box(b"mdat", b"\0" * 4000)[:500]), "moov|index|truncated|missing"),
    media("28 page", written(b"<!doctype html><title>x</title>"), "not a video"),
    media("29 HLS", written(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), "playlist"),
    media("29 DASH", written(b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'), "playlist"),
    media("30 ffconcat", written(b"ffconcat version 1.0\nfile /etc/passwd\n"), "playlist"),
    media("31 program", written(b"\x7fELF\x02\x01\x01" + b"\0" * 100), "not a video"),
    media("31 archive", written(b"PK\x03\x04" + b"\0" * 100), "not a video"),
    media("31 video with an archive", with_archive, "archive|extra data"),
    media("32 sound only", sound_only, "no picture stream"),
    media("33 no sound", picture_only, "no sound"),
    media("35 too many pixels", good_copy, "pixels", settings=("frames.max_pixels=1000",)),
    media("36 too many frames a second", good_copy, "frames a second",
          settings=("frames.max_frames_per_second=5",)),
    media("36 too many streams", good_copy, "streams", settings=("frames.max_streams=1",)),
    media("37 duration that is not there", long_duration, "duration|declares", "video.mkv"),
    media("44 link", link, "not a regular file"),
    media("44 pipe", fifo, "not a regular file"),
    Row("44 device", ("ingest", "/dev/null"), "not a regular file"),
    media("48 launcher", written(b"[Desktop Entry]\n"), "extension|not a", "video.desktop"),
    media("half a video", first_half, "truncated|missing|index"),
    Row("absent file", ("ingest", "absent.mp4"), r"absent\.mp4"),
    media("empty list", written(b"# nothing\n"), "empty", "list.txt"),
    media("57 model missing", good_copy, "absent-model", settings=("transcription.model=./absent-model",)),
    media("57 model empty", beside_empty_model, "model",
          settings=("transcription.model=./model",)),
    Row("57 no such model", ("models", "path", "no-such-model"), "no-such-model"),
    Row("63 params missing", ("--params", "absent.yaml", "ingest", "x.mp4"), r"absent\.yaml"),
    Row("65 unknown key", ("--set", "frames.fram_rate=1", "ingest", "x.mp4"), "unknown key frames.fram_rate"),
    Row("66 out of range", ("--set", "frames.every_seconds=-1", "ingest", "x.mp4"), r"frames\.every_seconds is -1"),
    Row("66 not a number", ("--set", "frames.every_seconds=.nan", "ingest", "x.mp4"), r"frames\.every_seconds is nan"),
    Row("67 hash distance", ("--set", "frames.duplicate_bits=65", "ingest", "x.mp4"), r"frames\.duplicate_bits is 65"),
    Row("68 language", ("--set", "keywords.stopword_languages=[xx]", "ingest", "x.mp4"), "xx"),
    Row("69 data is the root", ("--data", "/", "ingest", "x.mp4"), "not a data folder"),
    Row("69 data is a file", ("--data", "{file}", "ingest", "x.mp4"), "is a file", written(b"x"), "plain"),
    Row("73 no dataset", ("verify",), "no dataset there"),
    Row("report of nothing", ("report",), "list of videos|videos.csv"),
    Row("export of nothing", ("export", "coco", "out"), "no dataset there"),
    Row("export unknown format", ("export", "xml", "out"), "invalid choice"),
    Row("rebuild of nothing", ("rebuild", "absent", "out"), "absent"),
]


def listing(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub(r"\W+", "-", row.name))
def test_bad_input_is_one_line_and_nothing_written(
        row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    from flows.__main__ import main

    monkeypatch.chdir(tmp_path)
    file = tmp_path / row.file
    if row.make is not None:
        row.make(file)
    before = listing(tmp_path)
    options = ["--params", str(REPOSITORY / "params.yaml")]
    for setting in row.settings:
        options += ["--set", setting]
    code = main([*options, *(word.replace("{file}", str(file)) for word in row.words)])
    out, err = capfd.readouterr()
    assert err.count("\n") == 1, err
    assert err.startswith("error: ")
    assert re.search(row.said, err), err
    assert "Traceback" not in out + err
    assert code == row.code
    assert listing(tmp_path) == before
    assert "hunter2" not in err


def test_a_lone_video_that_cannot_be_decoded_ends_with_its_reason(framewords: Command, tmp_path: Path, tiny_model: Path) -> None:
    """What only decoding can find comes after the checks: the outcome is in the ledger, and the line says why."""
    content = bytearray(sample_video().read_bytes())
    at = content.index(b"mdat")
    length = int.from_bytes(content[at - 4:at], "big") - 8
    content[at + 4:at + 4 + length] = b"\0" * length
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(bytes(content))
    done = framewords("--set", f"transcription.model={tiny_model}", "ingest", str(broken))
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.out + done.err
