"""Key words and alignment, video by video in list order.

What is rare, and what can be seen, is judged against the videos listed before: a pure function of the list, whatever order
the lanes finished in. A video added at the end costs that video alone.
"""

from dataclasses import replace
from typing import Any

from prefect.client.schemas.objects import State

from flows.outcome import VideoResult
from flows.plan import Plan
from tasks.alignment.task import align_words, has_examples
from tasks.errors import UnusableVideoError
from tasks.keywords.so_far import FRAME_COLUMNS, CorpusSoFar
from tasks.keywords.task import has_words, label_words
from tasks.schema import Video
from tasks.storage.ledger import Outcome


class Labeller:
    """A walk through the catalogue: every video with pictures and heard words is labelled as it is passed."""

    def __init__(self, plan: Plan, catalogue: list[Video]) -> None:
        self.catalogue = catalogue
        self._plan = plan
        self._place = 0
        self._corpus = CorpusSoFar(plan.data)

    def label(self, result: VideoResult) -> VideoResult:
        """Label the listed videos before this one that need it, then this one."""
        while self.catalogue[self._place].id != result.video.id:
            self._pass()
        steps, outcome = self._pass(shown=True)
        if outcome.outcome != "labelled":  # its frames and words are in no example, so they are not counted
            return replace(result, steps={}, outcome=outcome)
        return replace(result, steps={**result.steps, **steps}, outcome=outcome,
                       cached=result.cached and all(said.get("cached") for said in steps.values()))

    def label_rest(self) -> None:
        """Label what is left of the catalogue, and keep what was counted for the next run."""
        while self._place < len(self.catalogue):
            self._pass()
        self._corpus.keep()

    def _pass(self, *, shown: bool = False) -> tuple[dict[str, dict[str, Any]], Outcome]:
        """Label the video at the current place, when it has been seen and heard, and go on to the next.

        shown: Prefect is to show its steps also where they were done before. It takes far longer than finding them done.
        """
        video = self.catalogue[self._place]
        video_id = video.id
        self._place += 1
        data, params = self._plan.data, self._plan.params
        if video.is_forgotten:
            self._corpus.passed_forgotten(video_id)
        if not (data.frames(video_id).is_file() and data.heard(video_id).is_file()):
            return {}, Outcome(video_id, "failed", code="unseen", problem="not seen and heard yet")
        done = not shown and has_words(video_id, data, self._corpus, params.keywords)
        label = label_words.fn if done else label_words
        try:
            words = said(label(video_id, data, self._corpus, params.keywords))
        except UnusableVideoError as error:
            return {}, Outcome(video_id, "set_aside", code=error.code, problem=str(error))
        align = align_words.fn if done and has_examples(video_id, data, params.alignment) else align_words
        examples = said(align(video_id, data, FRAME_COLUMNS, params.alignment))
        return {"keywords": words, "alignment": examples}, Outcome(video_id, "labelled")


def said(answer: Any) -> dict[str, Any]:
    """What a step said, made now or found done (a state named Cached)."""
    if isinstance(answer, State):
        return {**answer.result(), "cached": True}
    return dict(answer)
