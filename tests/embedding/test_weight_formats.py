"""One list of formats, for whoever downloads, converts, measures and releases weights."""

from pathlib import Path, PurePosixPath

from pipeline.embedding.weight_formats import CAN_RUN_CODE, OTHER_WEIGHTS, SAFETENSORS, suffix


def test_weight_formats_that_can_run_code_are_never_the_judged_ones() -> None:
    assert CAN_RUN_CODE < OTHER_WEIGHTS
    assert SAFETENSORS not in OTHER_WEIGHTS
    assert {".onnx", ".gguf"}.isdisjoint(CAN_RUN_CODE)


def test_weight_formats_hold_what_each_of_four_lists_once_lacked() -> None:
    assert {".joblib", ".npy", ".keras", ".pickle", ".ckpt", ".npz"} <= CAN_RUN_CODE


def test_weight_formats_take_a_suffix_in_any_letters() -> None:
    assert suffix("a/b.PT") == suffix(Path("b.pt")) == suffix(PurePosixPath("c.Pt")) == ".pt"
    assert suffix("README") == ""
    assert {one.lower() for one in OTHER_WEIGHTS} == OTHER_WEIGHTS
