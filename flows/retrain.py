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
    """What a retraining came to. generation: of the champion after it, 0 while there is none.

    verdict: None where nothing was trained; `why` then says why not.
    """

    net: str
    version: str = ""
    verdict: Verdict | None = None
    generation: int = 0
    why: str = ""

    def as_state(self, name: str) -> State[Any]:
        """For a run that had nothing to do: a state that says so in Prefect's UI."""
        return Completed(name=name, message=self.why, data=self)


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
                why = f"{champion.version} was trained on this very dataset"
                return RetrainSummary(net, champion.version, None, champion.generation, why).as_state("Cached")
            try:
                folder = train_candidate(home.data, plan, params, f"framewords {installed_version('framewords')}")
            except InputError as error:
                if champion:
                    raise
                return RetrainSummary(net, why=f"nothing to learn from yet: {error.problem}").as_state("NotYet")
            write_plan(home.data, plan)
            decision = judge_candidate(home.data, folder, params)
            if decision.verdict.passed:
                champion = promote_candidate(home.data, folder, decision)
            write_results(home.data, folder)
            publish_net(home, decision.verdict.summary)
            return RetrainSummary(net, folder.name, decision.verdict, champion.generation if champion else 0)
    except AlreadyRunningError as error:
        return RetrainSummary(net, why=f"already running: {error.problem}").as_state("AlreadyRunning")


def _was_trained_on(folder: Path, dataset: str) -> bool:
    return bool(read_card(folder).get("dataset", {}).get("digest") == dataset)
