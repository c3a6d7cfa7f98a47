"""Run every benchmark in turn and print a table against the bars. Run: python -m tests.benchmarks [NAME...]

A benchmark prints one JSON object a figure: `bench` names it, `ratio` (how many times cheaper than the simpler method) or
`value` is what was measured, `bar` what it must reach. Ratios are bars from below and values from above; `at_most: true`
makes a ratio's bar one from above, as where both do the same work.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Figure = dict[str, Any]


def benchmarks(wanted: list[str]) -> list[str]:
    """Names of the benchmarks here, such as `recognition`; those wanted, or all."""
    names = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        sys.exit(f"error: {unknown[0]}: no such benchmark: there are {', '.join(names)}")
    return wanted or names


def figures(lines: Iterator[str]) -> Iterator[Figure]:
    """What the JSON lines say; other lines, such as progress, are left out."""
    for line in lines:
        if line.startswith("{"):
            yield json.loads(line)


def measured(figure: Figure) -> float | None:
    found = figure.get("ratio", figure.get("value"))
    return None if found is None else float(found)


def meets(figure: Figure) -> bool | None:
    """Whether the bar is met; None without a bar."""
    value, bar = measured(figure), figure.get("bar")
    if value is None or bar is None:
        return None
    at_most = figure.get("at_most", "ratio" not in figure)
    return bool(value <= bar if at_most else value >= bar)


def table(found: list[Figure]) -> str:
    rows = [("figure", "measured", "bar", "met")]
    for figure in found:
        value, bar, met = measured(figure), figure.get("bar"), meets(figure)
        if value is not None:
            shown = "" if bar is None else f"{bar:g}"
            rows.append((figure["bench"], f"{value:g}", shown, {None: "", True: "yes", False: "NO"}[met]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def main() -> None:
    found: list[Figure] = []
    failed: list[str] = []
    for name in benchmarks(sys.argv[1:]):
        print(f"== {name}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", f"tests.benchmarks.bench_{name}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for figure in figures(process.stdout):
                print(json.dumps(figure), flush=True)
                found.append(figure)
        if process.returncode:
            failed.append(name)
    print("\n" + table(found))
    if failed:
        sys.exit(f"error: {', '.join(failed)}: benchmark failed: run python -m tests.benchmarks {failed[0]}")


if __name__ == "__main__":
    main()
