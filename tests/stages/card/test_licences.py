"""What base and data set say decides, and a disagreement is said."""

import pytest

from pipeline.stages.card.licences import derive, measured


@pytest.mark.parametrize(
    ("stated", "base", "dataset", "name", "said"),
    [
        (
            "mit",
            "mit",
            "mit",
            "mit",
            "The base is under mit and the data set is under mit, as this model is.",
        ),
        (None, "mit", "mit", "mit", "this one follows from them"),
        (None, "mit", None, "mit", "the data set states none"),
        (None, None, None, "unknown", "The base states none and the data set states none."),
        (None, "mit", "CC-by-nc-4.0", "other", "is under CC-by-nc-4.0. They disagree: read each"),
        (
            "apache-2.0",
            "mit",
            "cc-by-nc-4.0",
            "apache-2.0",
            "They disagree; the maker of this model states apache-2.0: read each before you use this model.",
        ),
        (None, "mit", "cc-by-4.0 and mit", "other", "under cc-by-4.0 and mit. They disagree: read each"),
        ("apache-2.0", "mit", None, "apache-2.0", "states apache-2.0, which disagrees"),
        ("apache-2.0", None, None, "apache-2.0", "the maker of this model states apache-2.0"),
    ],
)
def test_card_licence_follows_from_base_and_data_set(
    stated: str | None, base: str | None, dataset: str | None, name: str, said: str
) -> None:
    licence = derive(stated, base, dataset)
    assert licence.name == name
    assert said in licence.reason
    assert licence.reason.endswith(".")


def test_licences_of_what_was_measured_on_stand_beside_it() -> None:
    assert measured({}) == ""
    assert "(sts: cc-by-sa-4.0; history: states none)" in measured({"sts": "cc-by-sa-4.0", "history": None})
