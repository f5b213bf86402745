"""Write the shortcomings listed in the report card of the weights into the README.

python scripts/shortfalls.py
"""

import sys
from pathlib import Path

from galexplorer.model.weights import read_report_card

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- what falls short: scripts/shortfalls.py -->", "<!-- end -->"


def block(sentences: list[str]) -> str:
    """Return the README's list of sentences, with its markers."""
    lines = "\n".join(f"- {sentence}" for sentence in sentences)
    return f"{BEGIN}\n{lines}\n{END}"


def main() -> None:
    """Rewrite the block between the markers."""
    card = read_report_card()
    text = README.read_text(encoding="utf-8")
    if card is None or BEGIN not in text:
        sys.exit("There is no report card of these weights, or no place for it in the README.")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    README.write_text(f"{before}{block(card['shortfalls'])}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
