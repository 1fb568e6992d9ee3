"""Whether a model that came back from the Hub is the one that was measured: it encodes again."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipeline.dataset import negatives
from pipeline.errors import BrokenChain
from pipeline.params import Params
from pipeline.params.release import KeySignature, SigstoreSignature
from pipeline.publishing import signatures
from pipeline.records import Metrics, Receipt
from pipeline.workspace import paths

# Cosines between what a model makes of `TEXTS`, by the two numbers, as "1-0".
Fingerprint = dict[str, float]
# Loads what came back, refuses what is not the model that is meant, and takes its fingerprint.
RoundTrip = Callable[[Path], Fingerprint]

COMPARED_ROWS = 16
# The same weights on another device, or in batches of another shape, add up float32 in another order: cosines
# then differ by some 1e-6. In bfloat16, with 8 bits of mantissa, by up to 1e-2. Other weights differ by more.
TOLERANCE = 1e-3
TOLERANCE_BF16 = 2e-2
# Short texts that belong to nobody; what the model makes of them stands in the receipt.
TEXTS = (
    "What does the contract cost per month?",
    "Faturamı nasıl öderim?",
    "The connection is slow in the evening.",
    "İnternet akşamları yavaş.",
    "12345",
)


def against_evaluation(workspace: Path, params: Params) -> RoundTrip:
    """Return the round trip of a candidate: against the cosines that `evaluate` kept of its first rows."""
    split = params.gate.split
    kept = (
        pl.scan_parquet(workspace / paths.OUTCOMES)
        .filter((pl.col("model") == "candidate") & (pl.col("split") == split))
        .filter(pl.col("row").rank("dense") <= COMPARED_ROWS)
        .collect()
    )
    texts = pl.read_parquet(paths.clean(workspace, split))
    bf16 = Metrics.load(workspace / paths.RECORDS["evaluate"]).bf16

    def encode_again(folder: Path) -> Fingerprint:
        from pipeline.embedding import (
            encode,
            loading,  # seconds to import
        )

        model = loading.load(folder)
        prompts = {role: model.prompts.get(role) or None for role in ("query", "document")}
        for dim in kept["dim"].unique(maintain_order=True).to_list():
            rows = kept.filter(pl.col("dim") == dim).join(texts, on="row", how="inner", maintain_order="left")
            found = encode.score_triplets(
                model,
                rows["query"].to_list(),
                rows["positive"].to_list(),
                list(negatives.columns(rows).values()),
                (dim,),
                query_prompt=prompts["query"],
                document_prompt=prompts["document"],
                batch_tokens=params.evaluate.batch_tokens,
            )
            cosines = {"cos_positive": found.positive[0]}
            if found.negative is not None:
                cosines["cos_negative"] = found.negative[0]
            for name, again in cosines.items():
                _compare(
                    dict(zip((f"row {row} at {dim}" for row in rows["row"]), rows[name], strict=True)),
                    dict(zip((f"row {row} at {dim}" for row in rows["row"]), again.tolist(), strict=True)),
                    f"{name} of {split}, as `evaluate` measured it",
                    TOLERANCE_BF16 if bf16 else TOLERANCE,
                )
        return fingerprint(folder)

    return encode_again


def against_receipt(receipt: Receipt) -> RoundTrip:
    """Return the round trip of a release: against the probe in its receipt."""

    def encode_again(folder: Path) -> Fingerprint:
        again = fingerprint(folder)
        if receipt.probe is not None:
            _compare(receipt.probe, again, f"the probe in the receipt of {receipt.version}", TOLERANCE)
        return again

    return encode_again


def fingerprint(folder: Path) -> Fingerprint:
    """Load a model and take its fingerprint.

    Raises:
        InvalidData: The folder holds no model that can be loaded.
    """
    from pipeline.embedding import (
        encode,
        loading,  # seconds to import
    )

    vectors = encode.encode(loading.load(folder), TEXTS, prompt=None).cpu().double()
    units = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12)
    cosines = units @ units.T
    return {
        f"{one}-{other}": round(float(cosines[one, other]), 6)
        for one in range(len(TEXTS))
        for other in range(one)
    }


def _compare(wanted: Fingerprint, found: Fingerprint, what: str, tolerance: float) -> None:
    for key, value in wanted.items():
        # "not within" also where it is no number.
        if not abs(found.get(key, float("nan")) - value) <= tolerance:
            raise BrokenChain(
                f"the model that came back encodes otherwise: {key} is {found.get(key)}; wanted {value} "
                f"within {tolerance} ({what}). Run it where the libraries are the same, or do not use it"
            )


def with_signature(how: KeySignature | SigstoreSignature | None, round_trip: RoundTrip) -> RoundTrip:
    """Return a round trip that verifies the signature first, where there shall be one."""
    if how is None:
        return round_trip

    def verify_and_encode(folder: Path) -> Fingerprint:
        signatures.verify(folder, signatures.signers(how))
        return round_trip(folder)

    return verify_and_encode
