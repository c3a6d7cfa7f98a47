"""Nets that have learnt from a forgotten video: marked in their card, so that nobody takes them for clean."""

import json
from collections.abc import Collection

from tasks.errors import IntegrityError
from tasks.removal.traces import Traces
from tasks.storage.atomic import write_whole
from tasks.storage.layout import DataFolder


def flag_models(data: DataFolder, video_ids: Collection[str], versions: Collection[str], *, dry_run: bool = False) -> list[str]:
    """Mark each model whose card names one of the videos, or a dataset version that held one; returns `<net>/<version>` of each.

    The mark is the key `forgotten` of `data/models/<net>/<version>/card.json`: the ids of the videos, in order.
    versions: tags, as in the card's `dataset_version`.
    Raises IntegrityError for a card that is none.
    """
    traces, flagged = Traces(video_ids), []
    for path in sorted(data.root.glob("models/*/*/card.json")):
        text = path.read_bytes()
        try:
            card = json.loads(text)
            saw = card.get("dataset_version") in versions or traces.in_bytes(text)
        except (ValueError, AttributeError) as error:
            raise IntegrityError(f"{path}: not a model card", "restore it with `dvc checkout`, or delete the model") from error
        if not saw:
            continue
        flagged.append("/".join(path.parts[-3:-1]))
        marked = {**card, "forgotten": sorted({*card.get("forgotten", []), *video_ids})}
        if marked != card and not dry_run:
            write_whole(path, json.dumps(marked, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return flagged
