"""A newer net: what is new in the dataset is learnt, and the result is used only where it proves no worse."""

from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.errors import AlreadyRunningError, InputError
from tasks.evaluation.candidate import DEFAULT_NET, make_plan, require_torch, write_plan, write_results
from tasks.evaluation.card import read_card
from tasks.evaluation.champion import read_champion
from tasks.evaluation.gate import Verdict
from tasks.evaluation.task import judge_candidate, promote_candidate, train_candidate
from tasks.params import load_params
from tasks.release.task import publish_net
from tasks.storage.lock import held_lock
from tasks.storage.project import find_project


@dataclass(frozen=True)
class RetrainSummary:
    """What a retraining came to. generation: of the champion after it, 0 while there is none."""

    net: str
    version: str
    verdict: Verdict
    generation: int


@flow(name="retrain", flow_run_name="retrain {net}")
def retrain(
    project: str = ".", settings: dict[str, Any] | None = None, net: str = DEFAULT_NET, *, from_scratch: bool = False,
) -> RetrainSummary | State[Any]:
    """Train a candidate on the dataset as it is now, judge it against the champion, promote or refuse it.

    project: the folder with params.yaml. settings: values that override params.yaml, as {"section.key": value}.
    from_scratch: do not go on from the champion.
    """
    home = find_project(Path(project))
    params = load_params(home.params, settings or {})
    require_torch()
    try:
        with held_lock(home.data.lock):
            plan = make_plan(home.data, net, from_scratch=from_scratch)
            champion = read_champion(home.data.models, net)
            if champion and not from_scratch and _was_trained_on(home.data.models / net / champion.version, plan.dataset):
                return Completed(name="Cached", message=f"{champion.version} was trained on this very dataset", data=None)
            write_plan(home.data, plan)
            try:
                folder = train_candidate(home.data, plan, params, f"framewords {installed_version('framewords')}")
            except InputError as error:
                if champion:
                    raise
                return Completed(name="NotYet", message=error.problem, data=None)
            decision = judge_candidate(home.data, folder, params)
            if decision.verdict.passed:
                champion = promote_candidate(home.data, folder, decision)
            write_results(home.data, folder)
            publish_net(home, decision.verdict.summary)
            return RetrainSummary(net, folder.name, decision.verdict, champion.generation if champion else 0)
    except AlreadyRunningError as error:
        return Completed(name="AlreadyRunning", message=error.problem, data=None)


def _was_trained_on(folder: Path, dataset: str) -> bool:
    return bool(read_card(folder).get("dataset", {}).get("digest") == dataset)
