import hashlib
import http.server
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import IntegrityError, ParamsError, TransientError, WorkflowError
from tasks.transcription import models
from tasks.transcription.models import extract_model, fetch_model, find_model, list_models, model_digest, require_model

NAME = "vosk-model-tiny-en-us"


def zipped(folder: Path) -> bytes:
    """A model as its publisher zips it: everything in one folder."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
    return content.getvalue()


@pytest.fixture(scope="module")
def publisher(tiny_model: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A local publisher: its address, and what it answers by path. Of /short.zip fewer bytes come than it promises."""
    pages = {f"/{NAME}.zip": zipped(tiny_model), "/vosk-model-short.zip": b"PK\x03\x04"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body) * (2 if self.path == "/vosk-model-short.zip" else 1)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", pages
        server.shutdown()


def test_a_model_is_fetched_once_unpacked_and_found_by_name(
    tmp_path: Path, tiny_model: Path, publisher: tuple[str, dict[str, bytes]],
) -> None:
    address, pages = publisher
    seen: list[tuple[int, int]] = []
    folder = fetch_model(NAME, tmp_path, base_url=address, progress=lambda done, total: seen.append((done, total)))
    assert find_model(NAME, tmp_path) == folder
    assert model_digest(folder) == model_digest(tiny_model)
    size = len(pages[f"/{NAME}.zip"])
    assert seen[-1] == (size, size)
    assert fetch_model(NAME, tmp_path, base_url="http://127.0.0.1:1/") == folder  # nobody is asked again
    assert {path.name for path in tmp_path.iterdir()} == {NAME, "models.lock"}


def test_the_first_fetch_pins_the_hash_and_other_bytes_are_refused_later(
    tmp_path: Path, publisher: tuple[str, dict[str, bytes]],
) -> None:
    address, pages = publisher
    fetch_model(NAME, tmp_path, base_url=address)
    sha256 = hashlib.sha256(pages[f"/{NAME}.zip"]).hexdigest()
    assert f'"{NAME}": "{sha256}"' in (tmp_path / "models.lock").read_text()
    (tmp_path / NAME / "am" / "final.mdl").unlink()
    pages[f"/{NAME}.zip"], whole = pages[f"/{NAME}.zip"] + b"x", pages[f"/{NAME}.zip"]
    with pytest.raises(IntegrityError, match=f"expected {sha256}"):
        fetch_model(NAME, tmp_path, base_url=address)
    pages[f"/{NAME}.zip"] = whole
    assert find_model(NAME, fetch_model(NAME, tmp_path, base_url=address).parent)


def test_a_hash_given_beforehand_is_kept_to(tmp_path: Path, publisher: tuple[str, dict[str, bytes]]) -> None:
    with pytest.raises(IntegrityError, match="expected " + "0" * 64):
        fetch_model(NAME, tmp_path, sha256="0" * 64, base_url=publisher[0])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ParamsError, match="not 64 hex digits"):
        fetch_model(NAME, tmp_path, sha256="abc", base_url=publisher[0])


@pytest.mark.parametrize(("name", "kind"), [("vosk-model-absent", ParamsError), ("vosk-model-short", TransientError)])
def test_a_model_that_does_not_come_whole_names_the_three_ways_out(
    tmp_path: Path, publisher: tuple[str, dict[str, bytes]], name: str, kind: type[WorkflowError],
) -> None:
    with pytest.raises(kind) as caught:
        fetch_model(name, tmp_path, base_url=publisher[0])
    message = str(caught.value)
    assert all(way in message for way in ("transcription.model", f"models fetch {name}", "captions or pocketsphinx"))
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_without_network_a_missing_model_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def unreachable(url: str, **_: object) -> None:
        asked.append(url)
        raise OSError("Network is unreachable")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    name = models.KNOWN_MODELS[0].name
    for _ in range(3):
        with pytest.raises(TransientError, match="Network is unreachable"):
            require_model(name, tmp_path, may_fetch=True)
    assert asked == [f"https://alphacephei.com/vosk/models/{name}.zip"]
    with pytest.raises(ParamsError, match="models fetch"):
        require_model(name, tmp_path, may_fetch=False)


@pytest.mark.parametrize("name", ["../up", "a/b", "", "-x", ".hidden", "x" * 200])
def test_a_model_name_is_never_a_way_out_of_the_cache(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParamsError, match="not a model name"):
        fetch_model(name, tmp_path, base_url="http://127.0.0.1:1/")


def test_a_folder_given_by_path_works_and_a_wrong_one_names_what_is_wanted(tmp_path: Path, tiny_model: Path) -> None:
    assert find_model(str(tiny_model), tmp_path / "nowhere") == tiny_model
    empty, noise = tmp_path / "empty", tmp_path / "noise"
    empty.mkdir()
    for name in models.LAYOUTS[0]:
        (noise / name).parent.mkdir(parents=True, exist_ok=True)
        (noise / name).write_bytes(bytes(range(256)))
    for folder in (empty, noise, tmp_path / "not" / "there"):
        with pytest.raises(ParamsError, match=r"model invalid.*am/final\.mdl") as caught:
            find_model(str(folder), tmp_path)
        assert "\n" not in str(caught.value)


def test_a_damaged_known_model_names_the_hash_its_archive_should_have(tmp_path: Path) -> None:
    known = models.KNOWN_MODELS[0]
    (tmp_path / known.name).mkdir()
    with pytest.raises(ParamsError, match=known.sha256):
        find_model(known.name, tmp_path)


def test_the_list_says_what_is_here(tmp_path: Path, tiny_model: Path) -> None:
    assert {folder for _, folder in list_models(tmp_path / "none")} == {None}
    here = {model.name: folder for model, folder in list_models(tiny_model.parent)}
    assert here[NAME] == tiny_model
    assert here["vosk-model-small-en-us-0.15"] is None


def member(name: str, mode: int = 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


@pytest.mark.parametrize("bad", [
    member("m/../../escape"), member("/escape"), member("m\\..\\escape"), member("C:escape"),
    member("m/link", stat.S_IFLNK | 0o777)])
def test_archives_that_reach_out_of_their_folder_are_refused(tmp_path: Path, bad: zipfile.ZipInfo) -> None:
    archive, folder = tmp_path / "model.zip", tmp_path / "in" / "model"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("m/good", "x")
        content.writestr(bad, "/etc/passwd")
    with pytest.raises(IntegrityError, match="archive refused"):
        extract_model(archive, folder)
    assert list(tmp_path.rglob("*escape*")) == []


def test_bombs_and_torn_archives_are_refused(tmp_path: Path) -> None:
    archive, folder = tmp_path / "model.zip", tmp_path / "model"
    folder.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("m/zeros", bytes(50_000_000))
    with pytest.raises(IntegrityError, match="50000000 bytes unpacked"):
        extract_model(archive, folder)
    with zipfile.ZipFile(archive, "w") as content:
        for number in range(models.MAX_MEMBERS + 1):
            content.writestr(f"m/{number}", "x" * 100)
    with pytest.raises(IntegrityError, match="archive refused"):
        extract_model(archive, folder)
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(IntegrityError, match="archive refused"):
        extract_model(archive, folder)
    assert list(folder.iterdir()) == []


def test_bytes_changed_on_the_way_are_noticed(tmp_path: Path) -> None:
    archive, folder = tmp_path / "model.zip", tmp_path / "model"
    folder.mkdir()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("m/file", "hello knife")
    archive.write_bytes(archive.read_bytes().replace(b"knife", b"knive", 1))
    with pytest.raises(IntegrityError, match="CRC"):
        extract_model(archive, folder)
