"""Only named fields are kept, cleaned; nothing that is a key, an address of somebody, or changes from day to day."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.download.info import info_bytes, sanitised_info
from tasks.schema import Video

VIDEO = Video("youtube_ABC123", "https://www.youtube.com/watch?v=ABC123", title="listed title", channel="listed channel")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8)
FIELDS = st.sampled_from(["id", "title", "duration", "tags", "chapters", "description", "view_count", "upload_date"])


@pytest.mark.media
def test_a_real_answer_keeps_its_facts_and_no_secrets(media_folder: Path) -> None:
    raw = json.loads((media_folder / "youtube-json-captions" / "pinchflat_example.info.json").read_text())
    text = info_bytes(sanitised_info(raw, VIDEO)).decode()
    kept = json.loads(text)
    assert (kept["id"], kept["site_id"], kept["title"]) == ("youtube_ABC123", "ABC123", "Pinchflat Example Video")
    assert (kept["channel"], kept["upload_date"], kept["duration"], kept["view_count"]) == (
        "PinchflatTestChannel", "20210720", 582, 9973)
    assert len(text) < 0.02 * len(json.dumps(raw))
    for secret in ("signature", "expire=", "0.0.0.0", "googlevideo", "cookie", "http_headers", "epoch", "User-Agent", "/tmp/"):
        assert secret not in text
    assert set(re.findall(r"https?://[^\s\"]+", text)) - set(re.findall(r"https?://[^\s\"]+", raw["description"])) == {VIDEO.url}


@pytest.mark.media
def test_nearly_empty_metadata_is_filled_from_the_list(media_folder: Path) -> None:
    raw = json.loads((media_folder / "youtube-json-captions" / "tubesync_minimal.json").read_text())
    kept = sanitised_info(raw, VIDEO)
    assert (kept["title"], kept["channel"], kept["tags"], kept["chapters"]) == ("listed title", "listed channel", [], [])


@given(st.dictionaries(FIELDS, JSON))
def test_whatever_a_site_says_becomes_plain_json(info: dict[str, object]) -> None:
    kept = json.loads(info_bytes(sanitised_info(info, VIDEO)))
    assert kept["id"] == VIDEO.id
    assert len(kept["title"]) <= 300


def test_a_hostile_title_is_stripped_and_capped() -> None:
    kept = sanitised_info({"title": "\x1b[2J\u202e" + "x" * 1_000_000, "tags": ["a\nb"] * 1_000}, VIDEO)
    assert kept["title"] == ("[2J" + "x" * 300)[:300]
    assert kept["tags"] == ["a b"] * 100
