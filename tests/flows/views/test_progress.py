"""How far a step is, by the lines that trainer and evaluation really print."""

from flows.output import Lines
from flows.views.progress import Progress, Reader, scores
from pipeline.params import load
from tests.support.workspaces import PROJECT


def read(step: str, printed: str, total: int = 0) -> Reader:
    seconds = iter(range(0, 1000, 10))
    reader = Reader(step, total, lambda: float(next(seconds)))
    for line in Lines().feed(printed.encode(), final=True):
        reader.feed(line)
    return reader


def test_training_tells_step_loss_accuracy_and_time_left() -> None:
    printed = (
        "step 0 of 100: on dev loss 10.3000, accuracy 0.9125 at 32, 0.5000 at 4\n"
        "  0%|          | 0/100 [00:00<?, ?it/s]\r 20%|██        | 20/100 [00:10<02:30,  2.00it/s]\n"
        "step 20 of 100: loss 0.2500, gradient norm 1, learning rate 0.001\n"
    )
    newest = read("train", printed).newest
    assert newest == Progress("train", 20, 100, 0.25, 0.9125, 150)
    assert newest.percent == 20


LOADING = "Loading weights: 100%|##########| 103/103 [00:00<00:00, 9.7it/s]\n"


def test_training_is_no_other_bar_than_the_trainers_own() -> None:
    began = "  0%|          | 0/12 [00:00<?, ?it/s]\r"
    assert read("train", LOADING).newest is None
    assert read("train", LOADING + began).newest == Progress("train", 0, 12)
    evaluates = " 57%|#####7    | 27/47 [00:10<00:07,  2.7it/s]\r"
    assert read("train", LOADING + began + evaluates).newest == Progress("train", 0, 12)


def test_training_that_has_not_said_how_far_it_is_shows_nothing() -> None:
    assert read("train", "step 1 of 9: loss 0.25\nstep one of nine\nthree words here\n").newest is None
    assert read("pin", " 20%|██        | 20/100 [00:10<02:30,  2.00it/s]\n").newest is None


def test_evaluation_tells_models_and_splits_that_are_done() -> None:
    printed = "base test: accuracy 0.8125, nDCG@10 0.7000 at 384\ncandidate test: nDCG@10 0.8000 at 384\n"
    newest = read("evaluate", printed, 4).newest
    assert newest == Progress("evaluate", 2, 4, None, None, 20)
    assert str(newest) == "evaluate: 2 of 4 scores, 20 seconds left"


def test_step_that_is_done_has_no_time_left() -> None:
    assert str(Progress("train", 8, 8, loss=0.5, seconds_left=0)) == "train: 8 of 8 steps, loss 0.5000"


def test_evaluation_whose_scores_are_there_goes_on_with_what_is_stored() -> None:
    assert str(Progress("evaluate", 4, 4)) == "evaluate: 4 of 4 scores, then the stored vectors"


def test_evaluation_prints_a_score_for_each_model_and_split() -> None:
    params = load(PROJECT)
    others = {params.live.revision, params.anchor.revision} - {None}
    assert scores(PROJECT) == (2 + len(others)) * len(params.evaluate.splits)
    assert scores(PROJECT / "no-such-folder") == 0
