"""The documentation names what there is."""

import re
from pathlib import Path

import pytest
import yaml

from tasks.schema import EXAMPLES, FRAME_DROPS, FRAMES, WORD_DROPS, WORDS

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"


@pytest.mark.parametrize(("page", "names"), [
    ("dataset.md", {*FRAMES.names, *WORDS.names, *FRAME_DROPS}),
    ("alignment.md", set(EXAMPLES.names)),
    ("keywords.md", set(WORD_DROPS)),
])
def test_every_column_and_reason_is_documented(page: str, names: set[str]) -> None:
    quoted = set(re.findall(r"`(\w+)`", (DOCS / page).read_text()))
    assert names <= quoted


def test_every_section_of_the_settings_is_documented() -> None:
    sections = set(yaml.safe_load((REPOSITORY / "params.yaml").read_text()))
    assert sections == set(re.findall(r"^\| `(\w+)`", (DOCS / "params.md").read_text(), re.MULTILINE))


def test_links_between_pages_lead_somewhere() -> None:
    for page in (REPOSITORY / "README.md", *DOCS.glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert link.startswith("http") or (page.parent / link).exists(), (page.name, link)
