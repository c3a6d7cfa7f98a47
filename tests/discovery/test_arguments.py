"""What an argument is, decided without the network; what it may not be."""

import os
from pathlib import Path

import pytest

from tasks.discovery.arguments import kind_of, media_below, read_list
from tasks.errors import InputError

# The product's table of bad arguments: what is typed, and what the one line must say.
BAD_ARGUMENTS = [
    ("", "empty URL"), ("   ", "empty URL"), ("not a url", "not an http"), ("file:///etc/passwd", "scheme refused"),
    ("ftp://h/v.mp4", "scheme refused"), ("javascript:alert(1)", "scheme refused"),
    ("data:video/mp4;base64,AA", "scheme refused"),
    ("http://127.0.0.1:8000/v.mp4", "private address"), ("http://[::1]/v", "private address"),
    ("http://2130706433/", "private address"), ("http://0x7f.1/", "private address"), ("http://127.1/", "private address"),
    ("http://169.254.169.254/latest/", "link-local address"), ("http://[::ffff:10.0.0.1]/", "private address"),
    ("https://user:pw@host/v", "credentials in URL refused"), ("http://h/" + "a" * 10_000, "URL too long"),
    ("http://h/\nv", "control character"), ("http://h/\0v", "control character"), ("-o x", 'starts with "-"'),
    ("--exec id", 'starts with "-"'), ("ytsearch1000:cat", "search URLs refused"), ("ytsearchdate:cat", "search URLs refused"),
    ("gvsearch5:cat", "search URLs refused"), ("/dev/null", "not a regular file"), ("x" * 10_000, "not an http")]


@pytest.mark.parametrize(("argument", "problem"), BAD_ARGUMENTS)
def test_a_bad_argument_is_refused_in_one_line(argument: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        kind_of(argument, allow_private=False)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 400
    assert "pw" not in line
    assert caught.value.exit_code == 2


def test_links_and_pipes_are_no_videos(tmp_path: Path) -> None:
    (tmp_path / "real.mp4").write_bytes(b"x")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("link.mp4", "pipe.mp4"):
        with pytest.raises(InputError, match="not a regular file"):
            kind_of(str(tmp_path / name), allow_private=False)


@pytest.mark.parametrize("name", ["run.sh", "link.url", "app.desktop", "v.mp4.lnk", "noextension"])
def test_a_file_that_is_no_video_by_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match="extension refused"):
        kind_of(str(tmp_path / name), allow_private=False)


def test_kinds(tmp_path: Path) -> None:
    for name in ("V.MP4", "list.txt", "list.csv", "research: a film.mkv"):
        (tmp_path / name).write_bytes(b"x")
    kinds = [kind_of(str(tmp_path / name), allow_private=False) for name in ("V.MP4", "list.txt", "list.csv", ".")]
    assert kinds == ["file", "list", "list", "folder"]
    assert kind_of("research: a film.mkv", allow_private=False, base=tmp_path) == "file"
    assert kind_of("https://www.youtube.com/watch?v=x", allow_private=False) == "url"


def test_a_folder_is_read_to_the_bottom_in_order_and_only_media_is_taken(tmp_path: Path) -> None:
    for name in ("b.mp4", "a/z.webm", "a/c.vtt", "a/c.mp4", ".hidden/x.mp4", ".y.mp4", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in media_below(tmp_path)] == ["a/c.mp4", "a/z.webm", "b.mp4"]


def test_lists(tmp_path: Path) -> None:
    text = tmp_path / "list.txt"
    text.write_text("\ufeff# my videos\n\n  https://h/1#t  \r\nvideos/a.mp4\n", encoding="utf-8")
    assert read_list(text) == ["https://h/1#t", "videos/a.mp4"]
    table = tmp_path / "list.csv"
    table.write_text('title,URL,n\n"One, ""two""\nthree",https://h/1,1\n,https://h/2\nempty,,\n', encoding="utf-8")
    assert read_list(table) == ["https://h/1", "https://h/2"]


@pytest.mark.parametrize(("name", "content", "problem"), [
    ("a.csv", b"link,title\nhttps://h/1,x\n", "no url column"), ("a.csv", b"", "no url column"),
    ("a.txt", b"\xff\xfe\x00x", "cannot be read"), ("a.csv", b"url\n" + b"x" * 200_000, "not CSV"),
    ("a.txt", b"x" * 10_000_001, "too large")])
def test_a_bad_list_is_named(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=problem):
        read_list(tmp_path / name)


@pytest.mark.media
def test_a_real_table_without_a_url_column_is_named(media_folder: Path) -> None:
    with pytest.raises(InputError, match="no url column"):
        read_list(media_folder / "youtube-metadata" / "trending_2018-11-01_US.csv")
