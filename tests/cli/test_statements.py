"""What a user states of files on the command line counts over what the files say."""

import gzip
import io
import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from galexplorer.cli import main
from galexplorer.commands.statements import naming_options
from galexplorer.errors import OptionError
from galexplorer.sky.reddening import redden

pytestmark = pytest.mark.usefixtures("weights_dir")

TRUTH = {"g": 17.1, "r": 16.5, "i": 16.2}
ZERO_POINTS = {"g": 26.0, "r": 27.0, "i": 28.5}


@pytest.fixture
def run(capfdbinary):
    """Run the command line, return what it printed."""

    def call(*arguments: object) -> bytes:
        code = main([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        assert code == 0, captured.err.decode()
        return captured.out

    return call


@pytest.fixture
def infer(run):
    """Run `galexplorer infer`, return the magnitudes and notes of its JSON."""

    def call(*arguments: object) -> tuple[dict[str, float], str]:
        answer = json.loads(run("infer", *arguments, "--draws", 100))
        return answer["photometry"]["magnitudes"], " ".join(answer["notes"])

    return call


@pytest.fixture
def fail(capfdbinary):
    def call(*arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 2
        return capfdbinary.readouterr().err.decode()

    return call


@pytest.fixture
def pipe(monkeypatch):
    """Pipe bytes into the command line."""

    def put(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def header(**cards: object) -> fits.Header:
    out = fits.Header({"CD1_1": -0.396 / 3600, "CD2_2": 0.396 / 3600, "CTYPE1": "RA---TAN"})
    out.update({"CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0})
    out.update({"CRPIX1": 80.5, "CRPIX2": 80.5, **cards})
    return out


@pytest.fixture(scope="module")
def flux() -> np.ndarray:
    """A round disc at the centre, nanomaggies."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:160, :160] - 79.5
    profile = np.exp(-np.hypot(x, y) / 6.0)
    total = 10 ** (0.4 * (22.5 - np.array(list(TRUTH.values()))))
    noise = rng.normal(0, [[[0.02]], [[0.03]], [[0.04]]], (3, 160, 160))
    return (total[:, None, None] * profile / profile.sum() + noise).astype(np.float32)


@pytest.fixture
def counts(flux, tmp_path):
    """The disc in counts, of which no card tells what they are worth."""
    units = 10 ** (0.4 * (np.array(list(ZERO_POINTS.values())) - 22.5))
    path = tmp_path / "counts.fits"
    cards = header(BUNIT="ADU", BANDS="gri")
    fits.PrimaryHDU((flux * units[:, None, None]).astype(np.float32), cards).writeto(path)
    return path


@pytest.fixture
def cube(flux, tmp_path):
    path = tmp_path / "cube.fits"
    fits.PrimaryHDU(flux, header(BUNIT="nanomaggy", BANDS="gri")).writeto(path)
    return path


def test_a_zero_point_by_band(infer, fail, counts):
    said = fail("infer", counts)
    assert "no zero point: state the zero point" in said
    assert said.rstrip().endswith("(--zero-point).")
    stated = ",".join(f"{band}={mag}" for band, mag in ZERO_POINTS.items())
    magnitudes, notes = infer(counts, "--zero-point", stated)
    assert magnitudes == pytest.approx(TRUTH, abs=0.15)
    assert "27 mag (AB) as stated" in notes


def test_one_zero_point_of_one_second(infer, cube):
    one, _ = infer(cube, "--zero-point", 22.5)
    longer, notes = infer(cube, "--zero-point", 20.0, "--exposure", 10)
    assert longer == pytest.approx(one, abs=1e-3)
    assert "for one second of 10 s as stated, although BUNIT is 'nanomaggy'" in notes


def test_extinction_is_removed_from_what_was_measured(infer, cube):
    before, _ = infer(cube)
    after, notes = infer(cube, "--ebv", 0.1)
    # Schlafly & Finkbeiner 2011, table 6, R_V = 3.1
    for band, factor in {"g": 3.303, "r": 2.285, "i": 1.698}.items():
        assert before[band] - after[band] == pytest.approx(0.1 * factor, abs=1e-3)
    assert "corrected for Galactic extinction" in notes


@pytest.mark.parametrize(("option", "bad"), [("--mask", 1.0), ("--weight", 0.0)])
def test_a_map_beside_the_image(infer, flux, tmp_path, option, bad):
    """A column of charge crosses the galaxy's surroundings."""
    rng = np.random.default_rng(3)
    spoilt = flux.copy()
    spoilt[:, 40:60, :] += rng.uniform(5, 20, (3, 20, 160))
    fits.PrimaryHDU(spoilt, header(BUNIT="nanomaggy", BANDS="gri")).writeto(tmp_path / "a.fits")
    values = np.full((160, 160), 1 - bad, np.float32)
    values[40:60] = bad
    path = tmp_path / "map.fits"
    fits.PrimaryHDU(values).writeto(path)
    whole, notes = infer(tmp_path / "a.fits", option, path)
    assert whole == pytest.approx(TRUTH, abs=0.15)
    assert "12% of the pixels taken as unmeasured" in notes
    each = ",".join(f"{band}={path}" for band in "gri")
    assert infer(tmp_path / "a.fits", option, each)[0] == whole


def test_a_stated_position_counts_over_coordinates_that_cannot_be(run, flux, tmp_path):
    cards = header(BUNIT="nanomaggy", BANDS="gri", CD1_1=0.0, CD2_2=0.0)
    fits.PrimaryHDU(flux, cards).writeto(tmp_path / "zero.fits")
    place = ("--pixel-scale", 0.396, "--ra", 33.0, "--dec", -7.0)
    answer = json.loads(run("infer", tmp_path / "zero.fits", *place, "--draws", 100))
    assert answer["photometry"]["magnitudes"] == pytest.approx(TRUTH, abs=0.15)
    assert any("taken as the centre" in note for note in answer["notes"])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_image_through_a_pipe(infer, pipe, cube, pack):
    named, _ = infer(cube)
    pipe(pack(cube.read_bytes()))
    assert infer("-")[0] == named


def test_columns_by_other_names_in_one_of_several_tables(run, tmp_path):
    table = Table({"mag, g": [17.6], "F_r": [1e5], "z": [0.05], "i": [16.4]})
    path = tmp_path / "survey.fits"
    tables = [fits.table_to_hdu(Table({"a": [1]})), fits.table_to_hdu(table)]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)
    out = tmp_path / "out.ecsv"
    columns = "g=mag, g, r=F_r [nJy],redshift=z,z="
    for place in ((path, "--hdu", 2), (f"{path}[2]",)):
        run("infer", "--catalog", *place, "--columns", columns, "--out", out, "--draws", 100)
        (row,) = Table.read(out)
        assert row["redshift_p50"] == pytest.approx(0.05)
        assert row["mag, g"] == 17.6


def test_rows_of_one_frame(run, cube, tmp_path):
    (tmp_path / "rows.csv").write_text("id,ra,dec\na,150.0,2.0\n")
    out = tmp_path / "out.ecsv"
    where = ("--image", cube, "--out", out, "--draws", 100)
    run("infer", "--catalog", tmp_path / "rows.csv", *where)
    (row,) = Table.read(out)
    assert row["measured_r"] == pytest.approx(TRUTH["r"], abs=0.15)


def test_extinction_is_removed_from_a_table(run, fail, tmp_path):
    dust = redden(0.1)
    seen = ",".join(repr(magnitude + dust[band]) for band, magnitude in TRUTH.items())
    table, out = tmp_path / "t.csv", tmp_path / "out.ecsv"
    medians = []
    for content, given in (
        (f"g,r,i,ebv\n{seen},0.1\n", ["--deredden"]),
        (f"g,r,i\n{','.join(map(str, TRUTH.values()))}\n", []),
    ):
        table.write_text(content)
        run("infer", "--catalog", table, *given, "--out", out, "--draws", 100)
        medians.append(Table.read(out)["log_stellar_mass_p50"][0])
    assert medians[0] == pytest.approx(medians[1], abs=1e-4)
    told = fail("infer", "--catalog", table, "--deredden", "--out", out)
    assert "neither a column ebv nor positions" in told


def test_rows_state_what_one_image_is_told_by_an_option():
    asked = "Dust maps need the package dustmaps: install it, or state E(B-V)."
    for table, words in ((True, r"\(in a column ebv\)\.$"), (False, r"\(--ebv\)\.$")):
        with pytest.raises(OptionError, match=words), naming_options(table=table):
            raise OptionError(asked)


def test_a_table_through_pipes(run, pipe):
    pipe(b"id,g,r,i\na,17.6,16.8,16.4\nb,18.6,17.8,17.4\n")
    printed = run("infer", "--catalog", "-", "--out", "-", "--draws", 100)
    table = Table.read(printed.decode(), format="ascii.csv")
    assert list(table["id"]) == ["a", "b"]
    pipe(b"\x1f\x8b broken")
    assert main(["infer", "--catalog", "-", "--out", "-"]) == 2


def test_targets_through_pipes(run, pipe):
    pipe(b"who,mg,mr,mi\na,17.6,16.8,16.4\n")
    columns = ("--columns", "name=who,g=mg,r=mr,i=mi")
    printed = run("targets", "-", *columns, "--no-images", "--out", "-", "--draws", 100)
    table = Table.read(printed.decode(), format="ascii.csv", comment="#")
    assert list(table["target"]) == ["a"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--zero-point", "bright"), "--zero-point is bright: give a magnitude"),
        (("--zero-point", "u=25"), "give one value, or g=...,r=...,i=...."),
        (("--zero-point", "g=25,g=26"), "give one value"),
        (("--zero-point", "220"), "The zero point is 220"),
        (("--exposure", "0"), "--exposure is 0"),
        (("--mask", "g=,r=a.fits"), "give one value"),
        (("--mask", "missing.fits"), "missing.fits does not exist"),
        (("--ebv", "-0.1"), "E(B-V) is -0.1"),
        (("--ebv", "0.1", "--deredden"), "--ebv and --deredden are mutually exclusive"),
        (("--columns", "g=mag"), "--columns applies only to a table"),
        (("--hdu", "1"), "--hdu applies only to a table"),
        (("--image", "a.fits"), "--image applies only to a table"),
    ],
)
def test_what_makes_no_sense_beside_an_image(fail, cube, arguments, words):
    said = fail("infer", cube, *arguments)
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("option", ["zero-point", "exposure", "mask", "weight", "ebv"])
def test_what_belongs_to_an_image_of_ones_own(fail, option, tmp_path):
    given = (f"--{option}", "0")
    words = f"--{option} applies only to an image"
    assert words in fail("infer", "--mag-r", 17, *given)
    assert words in fail("infer", "NGC 5332", *given)
    beside = fail("infer", "--catalog", "a.csv", "--out", tmp_path / "o.ecsv", *given)
    assert f"--{option} cannot be used with --catalog" in beside


@pytest.mark.parametrize("columns", ["g", "g=a,g=b", "=a"])
def test_columns_are_pairs(fail, tmp_path, columns):
    (tmp_path / "a.csv").write_text("g\n17\n")
    given = ("--catalog", tmp_path / "a.csv", "--out", tmp_path / "o.ecsv", "--columns", columns)
    assert "give pairs such as g=mag_g" in fail("infer", *given)


def test_columns_that_are_missing_can_be_named(fail, tmp_path):
    table, out = tmp_path / "a.csv", tmp_path / "o.ecsv"
    table.write_text("who,brightness,objects\nA,17,1\n")
    assert "(--columns; names and positions go to galexplorer targets)." in fail(
        "infer", "--catalog", table, "--out", out
    )


def test_a_piped_file_is_alone(fail):
    assert "- is a file that is piped: give it alone" in fail("infer", "-", "b.fits", "c.fits")


def test_a_map_is_never_overwritten(fail, cube, tmp_path):
    mask = tmp_path / "mask.fits"
    fits.PrimaryHDU(np.zeros((160, 160), np.uint8)).writeto(mask)
    assert "is an input" in fail("infer", cube, "--mask", f"g={mask}", "--out", mask)
