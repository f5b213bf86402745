"""Tables of results in LaTeX: the rows of the results themselves, with what to know of each."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from astropy.table import Table

from galexplorer.api.comparison import comparison_bytes, comparison_table
from galexplorer.api.latex_table import latex_of_table
from galexplorer.catalogue import read_catalogue
from galexplorer.errors import InputError
from galexplorer.export.target_tables import summary_table
from galexplorer.query.target_list import Target
from galexplorer.runs.target_run import Outcome
from galexplorer.tables import read_raw, write_table


def tabulate(galaxies):
    outcomes = [Outcome(Target(name, ""), result) for name, result in galaxies]
    failed = Outcome(Target("[HB89] 1 & 2", ""), problem="No object is known by that name.")
    return summary_table([*outcomes, failed])


def rows_of(content: bytes) -> list[str]:
    return [line for line in content.decode().splitlines() if line.endswith(r"\\")]


def test_a_table_has_the_rows_of_its_results(galaxies):
    name, result = galaxies[1]
    draws = result.posterior.draws.copy()
    draws[:, 0] = 0.05
    held = replace(result, posterior=replace(result.posterior, draws=draws, fixed=("redshift",)))
    listed = [*galaxies, (f"{name} at 0.05", held)]
    content = latex_of_table(tabulate(listed))
    *rows, failed = rows_of(content)
    assert rows == rows_of(comparison_bytes(listed, "latex"))  # from the draws themselves
    assert failed == r"{[}HB89] 1 \& 2" + 10 * r" & \nodata" + r" \\"
    text = content.decode()
    for words in (
        "% Grey needs the package xcolor. The dagger: do not use.",
        "% A star\n% Verdict: Do not use: the values below mean nothing for what was given. It is "
        "probably a star. Check the position or the row.",
        "% NGC 1\n% Note: Its scale was read from the WCS.",
        "% NGC 1 at 0.05\n% Held fixed: Redshift",
        "% Haro 25\n% No value: Gas-phase metallicity: not measurable",
        "% [HB89] 1 & 2\n% No values: No object is known by that name.",
        f"% Weights (sha256): {'ab' * 32}",
        "2511.12737",
    ):
        assert words in text
    usable = latex_of_table(tabulate(galaxies[1:])).decode()
    assert "Grey" not in usable
    assert "textcolor" not in usable


@pytest.mark.parametrize("suffix", ["ecsv", "parquet", "fits", "vot"])
def test_a_table_that_was_written_gives_the_same(galaxies, tmp_path, suffix):
    table = tabulate(galaxies)
    write_table(table, tmp_path / f"t.{suffix}")
    read = latex_of_table(read_raw(tmp_path / f"t.{suffix}").table)
    assert rows_of(read) == rows_of(latex_of_table(table))
    # some formats put what is told of the whole table in another order
    assert sorted(read.splitlines()) == sorted(latex_of_table(table).splitlines())


def test_a_comparison_is_a_table_too(galaxies):
    told = latex_of_table(comparison_table(galaxies))
    assert rows_of(told) == rows_of(comparison_bytes(galaxies, "latex"))
    assert "% NGC 1\n% Note: Its scale was read from the WCS." in told.decode()


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
@pytest.mark.parametrize(("suffix", "told"), [("fits", True), ("vot", False)])
def test_what_astropy_reads_of_a_file_is_told(galaxies, tmp_path, suffix, told):
    write_table(tabulate(galaxies), tmp_path / f"t.{suffix}")
    table = Table.read(tmp_path / f"t.{suffix}")
    meta = dict(table.meta)
    text = latex_of_table(table).decode()
    assert (f"% Weights (sha256): {'ab' * 32}" in text) == told  # astropy drops it of a VOTable
    assert "unknown" not in text
    assert dict(table.meta) == meta


@pytest.mark.parametrize(
    ("made", "line"),
    [
        ("a string", None),
        (["x"], None),
        (None, None),
        ({7: "seven", "versions": "x"}, "% 7: seven"),
        ({"weights_sha256": ["a", 1], "verdict_sha256": {"b": 2}}, "% Weights (sha256): a, 1"),
    ],
)
def test_metadata_of_another_shape_are_no_error(galaxies, made, line):
    table = tabulate(galaxies)
    table.meta["provenance"] = made
    lines = latex_of_table(table).decode().splitlines()
    assert line is None or line in lines
    assert sum("(sha256)" in each for each in lines) == (2 if line and "sha256" in line else 0)


def test_a_catalogue_is_a_table_too(engine):
    text = "id,g,r,i,notes,problem,redshift\na_b,17.6,17,16.6,mine,mine,\nc,17.6,,,,,0.7\n"
    catalogue = read_catalogue(text.encode())
    table = engine.infer_table(catalogue, draws=100)
    told = latex_of_table(table).decode()
    first, second = rows_of(told.encode())[1:]
    assert first.startswith(r"a\_b & $0.")
    assert second == "c" + 10 * r" & \nodata" + r" \\"
    assert "% c\n% Flag: not_inferred: Its redshift 0.7 is outside the model's range" in told
    assert "mine" not in told
    assert "% Seed: 0" in told
    assert "% Redshift range: " not in told


def test_what_is_no_table_of_results_is_refused(galaxies):
    table = tabulate(galaxies)
    table.remove_column("log_sfr_p50")
    with pytest.raises(InputError, match="has no column log_sfr_p50"):
        latex_of_table(table)


def test_latex_takes_it(galaxies, tmp_path):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no pdflatex here")
    (tmp_path / "table.tex").write_bytes(latex_of_table(tabulate(galaxies)))
    text = "\\documentclass{article}\\usepackage{xcolor}\\begin{document}\\input{table}"
    (tmp_path / "paper.tex").write_text(text + "\\end{document}\n")
    command = [latex, "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
