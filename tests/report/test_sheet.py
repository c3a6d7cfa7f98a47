"""The contact sheet of one video, as markup and as it is seen in a browser."""

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tasks.errors import IntegrityError
from tasks.report.sheet import MAX_BYTES, draw_sheet
from tasks.schema import FRAMES
from tasks.storage.artefact import read_table, write_table
from tests.report.conftest import DOG_AND_CUP, TREE, Story, fingerprint, write_data

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = """<script>alert(1)</script>]]>&\u202e"'\x00\ufffe"""


def draw(root: Path, story: Story, title: str = "") -> Path:
    data = write_data(root / "data", [story])
    out = root / "sheet.svg"
    draw_sheet(title or story.video.title, data / "labels" / story.video.id, out, lambda seconds: None)
    return out


def texts(sheet: Path) -> list[str]:
    """Every text of the drawing, in order."""
    return ["".join(node.itertext()) for node in ElementTree.parse(sheet).iter("{http://www.w3.org/2000/svg}text")]


def test_kept_pictures_stand_with_their_words_and_the_rest_with_its_reason(tmp_path: Path) -> None:
    said = texts(draw(tmp_path, DOG_AND_CUP))
    # By hand: 3 of 6 kept at 0, 12 and 16 s; left out at 4 (repeats 0), 8 (black) and 20 s (repeats 12).
    assert said[:2] == ["A dog and a cup", "3 of 6 pictures kept · 3 key words of 7 heard · vosk · 0:24"]
    assert said[3:10] == ["0:00", "dog90%", "0:12", "cup75%", "dog20%", "0:16", "no word"]
    assert said[10:] == ["Left out: 2 repeats, 1 black", "0:04", "repeats 0:00", "0:08", "black", "0:20", "repeats 0:12"]


def test_words_of_others_are_text_and_nothing_else(tmp_path: Path) -> None:
    story = replace(DOG_AND_CUP, engine=HOSTILE, words=[(HOSTILE, 1.0, None)], labels={0: [(HOSTILE, 0.9, 0)]})
    sheet = draw(tmp_path, story, HOSTILE)
    assert texts(sheet)[0] == """<script>alert(1)</script>]]>&"'"""
    assert {node.tag.rpartition("}")[2] for node in ElementTree.parse(sheet).iter()} <= {
        "svg", "style", "rect", "text", "tspan", "image", "use"}


def test_a_browser_shows_the_pictures_and_words_of_any_language(browser: "Browser", tmp_path: Path) -> None:
    sheet = draw(tmp_path, DOG_AND_CUP, "Käse, сыр")
    page = browser.new_page()
    page.set_content(f'<img src="data:image/svg+xml;base64,{base64.b64encode(sheet.read_bytes()).decode()}">')
    page.wait_for_function("document.images[0].complete")
    assert page.evaluate("document.images[0].naturalWidth") == 880
    seen = np.asarray(Image.open(io.BytesIO(page.locator("img").screenshot())).convert("RGB")).reshape(-1, 3)
    for colour in ((255, 99, 71), (218, 112, 214), (160, 82, 45)):  # tomato, orchid, sienna: the kept pictures 0, 3 and 4
        assert (np.abs(seen.astype(int) - colour).max(axis=1) < 12).sum() > 5000
    page.close()


def test_the_hardest_pictures_and_many_of_them_stay_small(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", [Story(TREE.video, 40, {}, TREE.words, {0: [("tree", 0.6, 0)]})])
    labels = data / "labels" / TREE.video.id
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (180, 320, 3), np.uint8)).save(noise, "JPEG", quality=95)
    frames = read_table(labels / "frames.parquet")
    pictures = pa.array([noise.getvalue()] * len(frames), FRAMES.field("jpeg").type)
    column = frames.schema.get_field_index("jpeg")
    write_table(frames.set_column(column, FRAMES.field("jpeg"), pictures), labels / "frames.parquet", fingerprint("frames"))
    draw_sheet("noise", labels, tmp_path / "sheet.svg", lambda seconds: None)
    assert (tmp_path / "sheet.svg").stat().st_size <= MAX_BYTES
    assert texts(tmp_path / "sheet.svg")[1].startswith("40 of 40 pictures kept (")


def test_the_same_labels_give_the_same_bytes_and_are_drawn_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = draw(tmp_path / "a", DOG_AND_CUP), draw(tmp_path / "b", DOG_AND_CUP)
    assert first.read_bytes() == second.read_bytes()
    before = first.stat().st_mtime_ns
    draw_sheet("A dog and a cup", tmp_path / "a/data/labels" / DOG_AND_CUP.video.id, first, lambda seconds: None)
    assert first.stat().st_mtime_ns == before


def test_labels_that_are_not_there_or_torn_are_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", [TREE])
    labels = data / "labels" / TREE.video.id
    (labels / "frames.parquet").write_bytes((labels / "frames.parquet").read_bytes()[:200])
    for folder in (labels, tmp_path / "nowhere"):
        with pytest.raises(IntegrityError):
            draw_sheet("x", folder, tmp_path / "sheet.svg", lambda seconds: None)
    assert not (tmp_path / "sheet.svg").exists()
