"""Write what the report card of the weights says into the documentation.

python scripts/performance.py

What an image adds, what falls short, and the tables of the verdict. Each stands between two
remarks of the page.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from galexplorer.model.weights import read_report_card
from galexplorer.schema import TARGETS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "performance.md"


def blocks(card: Mapping) -> dict[str, str]:
    """Return what the page says of each matter, in Markdown.

    Parameters
    ----------
    card : mapping
        The report card.
    """
    verdict = card["verdict"]
    return {
        "what an image adds": _additions(card["samples"].get("cross_fitted_ugriz", {})),
        "what falls short": "\n".join(f"- {sentence}" for sentence in card["shortfalls"]),
        "what the verdict catches": _kinds(verdict["kinds"]),
        "what it takes for something else": _table(
            ("galaxies", "input", "number", "do not use", "or caution"),
            (
                (_group(row), row["input"], row["number"], _share(row["do_not_use"]),
                 _share(row["warned"]))
                for row in verdict["false_alarms"]
            ),
        ),
        "how reliable its probability is": _table(
            ("input", "stated", "of galaxies", "number"),
            (
                (kind, f"{stated:.3f}", f"{share:.3f}", count)
                for kind, found in verdict["reliability"].items()
                for stated, share, count in zip(*(found[k] for k in _RELIABILITY), strict=True)
            ),
        ),
    }  # fmt: skip


def _additions(sample: Mapping) -> str:
    if "image_adds" not in sample:
        return "Not measured: `galexplorer evaluate` was run without `--folds`."
    labels = {target.name: target.label for target in TARGETS}
    inputs = ("ugriz only", "photometry", "image only", "image + photometry")
    rows = []
    for name, added in sample["image_adds"].items():
        found = [sample["modes"][mode]["targets"][name] for mode in inputs]
        errors = [target["galexplorer"]["rmse"] for target in found]
        # boosting needs enough to learn from in each fold: else it is of other galaxies
        boosting = found[-1].get("boosting", {})
        boosted = boosting.get("rmse") if boosting.get("rows") == added["rows"] else None
        ratio, digits = added["rmse_ratio"], 4 if name == "redshift" else 2
        rows.append(
            (
                labels[name], added["rows"], *(f"{e:.{digits}f}" for e in errors),
                "" if boosted is None else f"{boosted:.{digits}f}",
                f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})",
                f"{added['log_score_gain']:+.2f} ± {added['log_score_gain_err']:.2f}",
                f"{found[-1]['galexplorer']['r2']:.2f}",
            )
        )  # fmt: skip
    names = ("", "galaxies", "ugriz", "and radii", "image", "image and ugriz", "boosting",
             "to ugriz alone", "nats", "R²")  # fmt: skip
    return _table(names, rows)


_RELIABILITY = ("probability", "share", "count")


def _kinds(kinds: Iterable[Mapping]) -> str:
    names = ("given", "input", "number", "do not use", "or caution", "aim",
             "width where missed", "held where missed")  # fmt: skip
    return _table(
        names,
        (
            (
                row["kind"], row["input"], row["number"], _share(row["caught"]),
                _share(row["warned"]), f"{row['goal']:.0%}",
                "" if row["missed_width"] is None else f"{row['missed_width']:.1f}",
                "" if row["missed_held"] is None else f"{row['missed_held']:.0%}",
            )
            for row in kinds
        ),
    )  # fmt: skip


def _group(row: Mapping) -> str:
    return f"{row['by']} {row['group']}" if row["by"] in ("r", "R50") else row["group"]


def _share(value: float) -> str:
    return f"{value:.1%}"


def _table(names: tuple[str, ...], rows: Iterable[tuple]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def rewrite(text: str, card: Mapping) -> str:
    """Return the page with what the report card says in each place.

    Raises
    ------
    ValueError
        If the page has no place for something.
    """
    for name, words in blocks(card).items():
        begin = f"<!-- {name}: scripts/performance.py -->"
        place = re.compile(f"{re.escape(begin)}\n.*?\n<!-- end -->", re.DOTALL)
        found = f"{begin}\n\n{words}\n\n<!-- end -->"
        text, number = place.subn(lambda _, found=found: found, text)
        if number != 1:
            raise ValueError(f"{number} places for {name}")
    return text


def main() -> None:
    """Rewrite the page."""
    card = read_report_card()
    if card is None:
        sys.exit("There is no report card of these weights.")
    PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8"), card), encoding="utf-8")


if __name__ == "__main__":
    main()
