"""The modules that a model says it is made of."""

import pytest

from pipeline.errors import InvalidData
from pipeline.stages.pin.model.modules import ModulePart, configuration, entry, modules

POOLING = {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}


def test_model_without_a_list_is_one_transformer_at_its_root() -> None:
    parts = modules({}, "o/n")
    assert parts == (ModulePart("Transformer", "sentence_transformers", ""),)
    assert configuration({"config.json": {"a": 1}}, parts) == {"a": 1}


def test_modules_are_read_in_their_order_with_where_they_come_from() -> None:
    listed = [{"type": "custom.code.Own", "path": "0_Own/"}, POOLING]
    parts = modules({"modules.json": listed}, "o/n")
    assert parts == (
        ModulePart("Own", "custom.code", "0_Own"),
        ModulePart("Pooling", "sentence_transformers.models", "1_Pooling"),
    )
    assert configuration({"config.json": {"a": 1}, "0_Own/config.json": {"a": 2}}, parts) == {"a": 2}


@pytest.mark.parametrize("listed", [{}, None, "Pooling", [1], [{"type": "a.B"}], [{"type": 1, "path": ""}]])
def test_list_that_is_none_is_refused(listed: object) -> None:
    with pytest.raises(InvalidData, match=r"modules.json of model o/n holds .* wanted a list of modules"):
        modules({"modules.json": listed}, "o/n")


def test_empty_list_is_refused() -> None:
    with pytest.raises(InvalidData, match="lists no module"):
        modules({"modules.json": []}, "o/n")


@pytest.mark.parametrize("folder", ["/etc", "../other", "a/../../b"])
def test_module_outside_of_the_repository_is_refused(folder: str) -> None:
    with pytest.raises(InvalidData, match="wanted one inside of the repository"):
        modules({"modules.json": [POOLING | {"path": folder}]}, "o/n")


@pytest.mark.parametrize("content", [None, [], "text", 3])
def test_entry_that_is_no_object_is_empty(content: object) -> None:
    assert entry({"config.json": content}, "config.json") == {}
    assert entry({}, "config.json") == {}
