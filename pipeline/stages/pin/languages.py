"""Which languages may change: one is added, none removed, because the ledger holds hashes of folded texts."""

from collections.abc import Sequence

import polars as pl

from pipeline.dataset import language
from pipeline.errors import InvalidParams


def demand_kept(languages: Sequence[str], ledger: pl.DataFrame) -> None:
    """Refuse languages that leave out one by which rows are held out, or put another in front of it.

    Without its folding nobody could tell which rows the ledger holds out; and groups bear the names that the
    first folding gives them, so that another first one would make all test rows new.

    Args:
        languages: `dataset.languages`.
        ledger: As `pipeline.workspace.holdout.known` gives it.

    Raises:
        InvalidParams: The foldings of the ledger are not the first ones of these languages, in their order.
    """
    kept = ledger["folding"].unique(maintain_order=True).to_list()
    asked = list(language.foldings(languages))
    if asked[: len(kept)] != kept:
        added = [one for one in languages if one not in kept and language.foldings([one])[0] not in kept]
        raise InvalidParams(
            f"dataset.languages is {list(languages)}, by which texts are folded as {asked}; splits.ledger "
            f"holds rows out that were folded as {kept}; wanted these first, in this order, because one may "
            f"be added and none removed. Set dataset.languages to {[*kept, *added]}"
        )
