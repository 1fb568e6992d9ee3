from flows.views import moved_page
from pipeline.preflight.moved_rows import MovedRows, SplitMoves


def test_page_shows_what_moved_in_the_data() -> None:
    found = MovedRows("a", "b", {"train": SplitMoves(1, 0, 2, 10, 11)}, [["train", "q|<i>", "p", "n", "m"]])
    text = moved_page.moved(found)
    assert text.startswith("# 3 new rows\n")
    assert "| train | 1 | 0 | 2 | 10 | 11 |" in text
    assert "- query in train: q\\|\\<i\\>\n  - positive: p\n  - negative: n\n  - negative: m\n" in text


def test_page_without_rows_that_may_be_shown_has_no_heading_for_them() -> None:
    assert "may be shown" not in moved_page.moved(MovedRows("a", "b", {}, []))
