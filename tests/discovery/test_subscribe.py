"""Adding a source to params.yaml changes nothing else there; a bad one changes nothing at all."""

import difflib
from pathlib import Path
from typing import Any

import pytest

from tasks.discovery.subscribe import make_source, preview, subscribe
from tasks.errors import InputError, ParamsError
from tasks.network.session import SiteSession
from tasks.params import DiscoveryParams, SourceParams, load_params
from tests.discovery.conftest import FIRST_NIGHT
from tests.site.site import Site

SHIPPED = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_bytes(SHIPPED.read_bytes())
    return path


def test_a_source_is_added_with_its_filters_and_every_other_line_stays(file: Path) -> None:
    cooking = make_source(
        "cooking", "https://www.youtube.com/@somechannel", languages=["en", "no"], title_matches="a: b # 'c'",
        uploaded_from="2026-01-31", min_views=3, max_duration_seconds=None)
    subscribe(file, cooking)
    subscribe(file, make_source("2026", "knife skills", kind="search"))
    assert load_params(file).sources == (cooking, SourceParams(name="2026", url="knife skills", kind="search"))
    lines = difflib.ndiff(SHIPPED.read_text().splitlines(), file.read_text().splitlines())
    assert [line for line in lines if line.startswith("- ")] == ["- sources: []"]


@pytest.mark.parametrize("written", [
    "sources: [] # none yet\n", "sources: []", "sources:\n- name: a # mine\n  url: https://a.example/\n\n# the rest\n",
    "sources:\n  # first\n  - {name: a, url: 'https://a.example/'}\n", "sources:\r\n  - name: a\r\n    url: https://a.example/\r\n"])
def test_however_sources_are_written_comments_and_ends_of_lines_stay(file: Path, written: str) -> None:
    text = SHIPPED.read_text()
    before = text.replace("sources: []\n", "") + ("" if written.startswith("sources: []\n") else "\n") + written
    file.write_bytes(before.encode())
    subscribe(file, make_source("b", "https://b.example/"))
    after = file.read_bytes().decode()
    assert [source.name for source in load_params(file).sources][-1] == "b"
    added = "\n  - name: b\n    url: https://b.example/"
    kept = after.replace("\r\n", "\n").replace(added, "").replace(added.replace("\n  ", "\n"), "").rstrip("\n")
    assert kept.replace("sources:", "sources: []") if "[]" in written else kept == before.replace("\r\n", "\n").rstrip("\n")
    assert ("\r\n" in after) == ("\r\n" in written)


@pytest.mark.parametrize(("name", "url", "options", "error", "said"), [
    ("a", "https://new.example/", {}, InputError, "name a is there already"),
    ("b", "https://a.example/", {}, InputError, "is there already, as a"),
    ("b", "no such thing", {}, InputError, "source b: not an http.*kind: search"),
    ("b", "ftp://h/v", {}, InputError, "source b: scheme refused"),
    ("../b", "https://b.example/", {}, ParamsError, r"source \.\./b: name is"),
    ("b", "https://b.example/", {"title_matchs": "x"}, ParamsError, "unknown key title_matchs: did you mean title_matches"),
    ("b", "https://b.example/", {"title_matches": "("}, ParamsError, "title_matches is '.*not a regular expression"),
    ("b", "https://b.example/", {"uploaded_from": "31.1.2026"}, ParamsError, "uploaded_from is .*2026-01-31"),
    ("b", "https://b.example/", {"min_duration_seconds": 9, "max_duration_seconds": 8}, ParamsError, "less than min_duration"),
    ("b", "https://b.example/", {"languages": ["english, please"]}, ParamsError, r"languages\.0"),
    ("b", "https://b.example/", {"kind": "chanel"}, ParamsError, "kind is 'chanel'"),
])
def test_a_bad_or_second_source_is_refused_in_one_line_and_the_file_stays(
        file: Path, name: str, url: str, options: dict[str, Any], error: type[Exception], said: str) -> None:
    subscribe(file, make_source("a", "https://a.example/"))
    before = file.read_bytes()
    with pytest.raises(error, match=said) as caught:
        subscribe(file, make_source(name, url, **options))
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(("entry", "said"), [
    ("{name: a, url: b, titel_matches: x}", r"unknown key sources\.0\.titel_matches: did you mean title_matches"),
    ("{name: a}", r"missing key sources\.0\.url"),
    ("{name: a, url: b}, {name: a, url: c}", "name a is there twice"),
    ("{name: a, url: b}, {name: c, url: b}", "url b is there twice"),
    ("{name: a, url: b, uploaded_from: 2026-02-30}", "params invalid: day is out of range"),
    ("{name: a, url: b, languages: [no]}", r"languages\.0 is False"),
    ("just words", r"sources\.0 is 'just words'"),
])
def test_a_mistake_in_the_file_is_one_line(file: Path, entry: str, said: str) -> None:
    file.write_text(SHIPPED.read_text().replace("sources: []", f"sources: [{entry}]"))
    with pytest.raises(ParamsError, match=said) as caught:
        load_params(file)
    assert "\n" not in str(caught.value)


def test_a_dry_run_shows_what_a_night_would_fetch_and_leave_and_why(
        site: Site, session: SiteSession, params: DiscoveryParams) -> None:
    site.channel("kitchen")
    for title in ("one", "two", "live three", "four"):
        site.publish("kitchen", title=title)
    source = make_source("kitchen", site.listing("kitchen"), title_excludes="live", per_night=2)
    shown = preview(source, set(), params, session=lambda: session, file_digest=lambda path: "", now=FIRST_NIGHT)
    assert [video.title for video in shown.tonight] == ["one", "two"]
    assert [video.title for video in shown.later] == ["four"]
    assert [code for _, code, _ in shown.found.filtered] == ["filtered_title"]
    assert shown.found.requests == len(site.web.requests)
