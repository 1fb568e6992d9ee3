"""The process in which mteb runs: it describes tasks, and scores them on the vectors that it asks for.

`python -P mteb_worker.py PARENT` reads a request in JSON per line from its input and answers in a line. While
it scores it asks in between: a line with `encode` (texts) and `role`, to which the parent's next line names
the file of their vectors. What libraries print goes to stderr.
"""

import difflib
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.isolated.answering import failed
from pipeline.isolated.confinement import enter

Encode = Callable[[list[str], str], Any]
_NEAR = 5


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """Say what mteb knows of a task.

    Args:
        request: `task`.

    Returns:
        `unknown`: the names that come near, where mteb has no such task; `parts`: the tasks that it is made
        of; `modalities`, where they are others than text alone; else the fields of
        `mteb_process.Description`.
    """
    import mteb
    from mteb.abstasks import AbsTask, AbsTaskRetrieval
    from mteb.abstasks.aggregated_task import AbsTaskAggregate
    from mteb.get_tasks import TASK_LIST

    name = request["task"]
    known = {kind.metadata.name.lower(): kind.metadata.name for kind in TASK_LIST}
    if name not in known.values():
        near = difflib.get_close_matches(name.lower(), known, n=_NEAR, cutoff=0.5)
        return {"unknown": [known[one] for one in near]}
    task = mteb.get_task(name)
    metadata = task.metadata
    if isinstance(task, AbsTaskAggregate):
        return {"parts": [one.metadata.name for one in task.tasks]}
    if list(metadata.modalities) != ["text"]:
        return {"modalities": list(metadata.modalities)}
    own_way = type(task).load_data not in {AbsTask.load_data, AbsTaskRetrieval.load_data}
    apart = metadata.is_multilingual and not own_way
    return {
        "name": name,
        "kind": metadata.type,
        "metric": metadata.main_score,
        "repo": metadata.dataset["path"],
        "revision": metadata.dataset["revision"],
        "subsets": list(task.hf_subsets),
        "splits": list(task.eval_splits),
        "reads": ("default" if task.fast_loading else "subsets") if apart else "any",
    }


def score(request: dict[str, Any], encode: Encode) -> dict[str, Any]:
    """Have mteb score a task.

    Args:
        request: `task`, `subsets`, `splits`, and `folder`, which holds its data set.
        encode: Gives the vectors of texts.

    Returns:
        `score`: the mean of mteb's main score, and `scores`: one per subset and split.
    """
    import mteb

    task = mteb.get_task(request["task"], hf_subsets=request["subsets"], eval_splits=request["splits"])
    where = {key: value for key, value in task.metadata.dataset.items() if key != "trust_remote_code"}
    where["path"] = request["folder"]
    task.metadata = task.metadata.model_copy(update={"dataset": where})
    found = mteb.evaluate(_encoder(encode), task, cache=None, co2_tracker=False, show_progress_bar=False)
    (result,) = found.task_results
    return {
        "score": float(result.get_score()),
        "scores": [
            {"subset": one["hf_subset"], "split": split, "score": float(one["main_score"])}
            for split, parts in result.scores.items()
            for one in parts
        ],
    }


def _encoder(encode: Encode) -> Any:
    """Return what mteb takes for a model: vectors from elsewhere, compared by their cosine."""
    import mteb
    from mteb.models.model_meta import ModelMeta
    from mteb.similarity_functions import cos_sim, pairwise_cos_sim
    from mteb.types import PromptType

    class Encoder:
        mteb_model_meta = ModelMeta.create_empty()

        def encode(self, inputs: Any, *, prompt_type: Any = None, **_: Any) -> Any:
            texts = [text for batch in inputs for text in batch["text"]]
            # Texts of which neither asks for the other are alike: each is encoded as a query.
            return encode(texts, "document" if prompt_type is PromptType.document else "query")

        def similarity(self, first: Any, second: Any) -> Any:
            return cos_sim(first, second)

        def similarity_pairwise(self, first: Any, second: Any) -> Any:
            return pairwise_cos_sim(first, second)

    found = Encoder()
    if not isinstance(found, mteb.EncoderProtocol):
        raise TypeError(f"mteb {mteb.__version__} wants more of a model than it did")
    return found


def main() -> int:
    """Answer requests until the input ends; what stops mteb is an answer too."""
    enter(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    def asked(texts: list[str], role: str) -> Any:
        import numpy as np

        say({"encode": texts, "role": role})
        path = Path(json.loads(sys.stdin.readline())["vectors"])
        vectors = np.load(path)
        path.unlink()
        return vectors

    tasks: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "describe": describe,
        "score": partial(score, encode=asked),
    }
    while line := sys.stdin.readline():
        request = json.loads(line)
        try:
            say(tasks[request["do"]](request))
        except Exception as error:  # of mteb, `datasets` or what they use: any of them, on somebody's data
            say(failed(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
