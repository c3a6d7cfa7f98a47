"""Pages: one HTML file each. No network, no script, no wall clock."""

from pathlib import Path
from typing import Any

from tasks.storage.atomic import staged_file
from tasks.study.wording import percent, say_layer, verdict


def write_page(template: str, out: Path, **values: Any) -> None:
    """Fill a template of this folder, whole or not at all. Every value is escaped, whoever wrote it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(n="{:,}".format, px="{:.1f}".format, percent=percent, verdict=verdict, sentences=say_layer,
                               tera=lambda flops: f"{flops / 1e12:,.3g} TFLOP")
    text = environment.get_template(template).render(values)
    with staged_file(out) as staging:
        staging.write_text(text, encoding="utf-8")
