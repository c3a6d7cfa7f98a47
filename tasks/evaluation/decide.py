"""From a trained candidate to a decision on it, with everything that a person may want to see of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.evaluation.card import Seen, add_results, read_seen
from tasks.evaluation.champion import read_champion
from tasks.evaluation.draw import draw_evaluation, draw_versions, shown_videos
from tasks.evaluation.evaluate import Evaluation, evaluate_net
from tasks.evaluation.gate import Verdict, compare, measure_slices, write_verdict
from tasks.params import GateParams
from tasks.storage.atomic import write_whole

NOTHING = Seen(frozenset(), frozenset(), frozenset())


@dataclass(frozen=True)
class Decision:
    """champion: None while there is none, and where the candidate is the champion itself."""

    candidate: Evaluation
    champion: Evaluation | None
    verdict: Verdict


def decide(
    models: Path, net: str, version: str, dataset: Path, work: Path, params: GateParams,
    progress: Callable[[float], None] = lambda share: None,
) -> Decision:
    """Judge a version against the champion of its net, on the test split of a dataset; nothing is promoted.

    models: holds <net>/<version>/. work: keeps vectors between runs (data/.cache/evaluation).
    Writes verdict.json, metrics.json, the pictures and the card into the version's folder, and versions.svg beside it.
    Raises as evaluate_net and compare do.
    """
    champion = read_champion(models, net)
    against = None if champion is None or champion.version == version else champion.version

    def judged(name: str, first: float, last: float) -> Evaluation:
        return evaluate_net(models / net / name, dataset, work / net / name,
                            lambda share: progress(first + (last - first) * share))

    candidate = judged(version, 0.0, 0.5 if against else 1.0)
    before = judged(against, 0.5, 1.0) if against else None
    folder = models / net / version
    old = read_seen(models / net / against) if against else NOTHING
    new = read_seen(folder)
    seen = {candidate.net: (new.videos, new.channels)} | ({before.net: (old.videos, old.channels)} if before else {})
    verdict = compare(candidate, before, params, known_channels=old.known, seen=seen)
    write_verdict(folder, verdict)
    figures = measure_slices(candidate, old.known if against else new.known)
    draw_evaluation(folder, candidate, figures)
    add_results(folder, candidate, verdict, figures, shown_videos(candidate))
    if (versions := draw_versions(models, net)) is not None:
        write_whole(models / net / "versions.svg", versions)
    return Decision(candidate, before, verdict)
