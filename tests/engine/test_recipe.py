"""Prompts by column."""

from pipeline.engine.recipe import Recipe


def test_queries_have_their_prompt_and_every_other_column_the_documents() -> None:
    recipe = Recipe(dims=(8,), query_prompt="q: ", document_prompt="d: ")
    columns = ("query", "positive", "negative", "negative_2")
    assert [recipe.prompt(column) for column in columns] == ["q: ", "d: ", "d: ", "d: "]
    assert list(recipe.prompts(columns)) == list(columns)


def test_prompts_that_say_nothing_are_left_out() -> None:
    assert Recipe(dims=(8,)).prompts(("query", "positive")) == {}
    assert Recipe(dims=(8,), query_prompt="").prompts(("query", "positive")) == {}
    assert Recipe(dims=(8,), document_prompt="d: ").prompts(("query", "positive")) == {"positive": "d: "}
