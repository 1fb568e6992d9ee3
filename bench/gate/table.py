"""The table that docs/gate.md shows, printed line by line, and the figures of the bench's last line."""

from typing import Any

from scipy.stats import beta  # type: ignore[import-untyped]


def upper(hits: int, draws: int) -> float:
    """Give the upper 99% bound of a rate."""
    return 1.0 if hits == draws else float(beta.ppf(0.99, hits + 1, draws - hits))


class Table:
    """Lines as they were found; `figures` says of each what was wanted."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        print("| truth and verdict | test rows | draws | found | rate | upper 99% bound | wanted |")
        print("|---|---|---|---|---|---|---|", flush=True)

    def rate(self, name: str, rows: int, hits: int, draws: int, wanted: float) -> None:
        """Add how often something was seen that shall be seen at most so often."""
        rate, bound = hits / draws, upper(hits, draws)
        shown = f"{hits} | {rate:.4f} | {bound:.4f} | at most {wanted}"
        print(f"| {name} | {rows:,} | {draws:,} | {shown} |", flush=True)
        self.figures[name] = {"value": rate, "upper": bound, "wanted": wanted, "ok": bound <= wanted}

    def count(self, name: str, hits: int, draws: int, wanted: int) -> None:
        """Add how often something was seen that nothing but the number of looks decides."""
        print(f"| {name} | | {draws:,} | {hits} | | | {wanted} |", flush=True)
        self.figures[name] = {"value": hits, "wanted": wanted, "ok": hits <= wanted}

    def drift(self, name: str, worst: float) -> None:
        """Add how far below the anchor the worst of some chains came, in the anchor's margins."""
        print(f"| {name}: worst drift, in anchor margins | | | {worst:.2f} | | | below 1 |", flush=True)
        self.figures[name] = {"value": worst, "wanted": 1.0, "ok": worst < 1}
