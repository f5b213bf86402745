import time

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from galexplorer.figures.corner import corner_figure
from galexplorer.figures.palette import LIGHT, OVERLAY
from galexplorer.records.posterior import Posterior
from galexplorer.schema import LINE_NAMES, PROPERTY_NAMES, TARGET_NAMES


def texts(figure):
    return [text.get_text() for text in figure.texts]


def with_column(posterior, name, value):
    draws = posterior.draws.copy()
    draws[:, TARGET_NAMES.index(name)] = value
    return Posterior(draws, (name,))


def test_one_panel_per_pair_with_units(posterior):
    figure = corner_figure(posterior)
    assert isinstance(figure, Figure)
    assert len(figure.axes) == len(PROPERTY_NAMES) ** 2
    bottom = [axes.get_xlabel() for axes in figure.axes[-5:]]
    assert all("odot" in bottom[k] for k in (1, 2, 4))
    assert not texts(figure)


def test_titles_carry_median_and_interval(posterior):
    title = corner_figure(posterior).axes[0].get_title()
    low, middle, high = np.quantile(posterior.column("redshift"), [0.16, 0.5, 0.84])
    assert (
        title == f"Redshift\n{middle:.3f} (+{high - middle:.3f} \N{MINUS SIGN}{middle - low:.3f})"
    )


def test_nothing_is_shown_or_kept_by_pyplot(posterior):
    corner_figure(posterior)
    assert pyplot.get_fignums() == []


def test_fixed_redshift_is_left_out_and_said(posterior):
    figure = corner_figure(with_column(posterior, "redshift", 0.0197))
    assert len(figure.axes) == 16
    assert texts(figure) == ["Redshift fixed at 0.0197."]


def test_targets_without_values_are_left_out_and_said(posterior):
    figure = corner_figure(with_column(posterior, "log_sfr", np.nan))
    assert len(figure.axes) == 16
    assert texts(figure) == ["Star-formation rate: not shown, no value in some draws."]


def test_everything_fixed_is_refused(posterior):
    fixed = with_column(posterior, "redshift", 0.02)
    with pytest.raises(ValueError, match="every target is fixed"):
        corner_figure(fixed, names=["redshift"])


def test_any_targets_can_be_shown(posterior):
    assert len(corner_figure(posterior, names=LINE_NAMES).axes) == 16
    assert len(corner_figure(posterior, names=["redshift"]).axes) == 1


def test_truths_far_away_stay_in_the_panel(posterior):
    figure = corner_figure(posterior, truths={"redshift": 0.2})
    low, high = figure.axes[0].get_xlim()
    assert low < 0.2 < high


def test_others_are_drawn_below_and_named(posterior):
    other = Posterior(posterior.draws[:900] + np.float32(0.5))
    plain = corner_figure(posterior)
    both = corner_figure(posterior, others=[("Other", other, OVERLAY)], name="This")
    (legend,) = both.legends
    assert [
        (t.get_text(), line.get_color())
        for t, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    ] == [("This", LIGHT.accent), ("Other", OVERLAY)]
    assert both.axes[0].lines[1].get_color() == LIGHT.accent  # on top
    narrow = Posterior(0.5 * posterior.draws.mean(axis=0) + 0.5 * posterior.draws)
    tall = corner_figure(posterior, others=[("Narrow", narrow, OVERLAY)]).axes[0]
    assert tall.get_ylim()[1] > tall.lines[0].get_ydata().max()
    assert len(both.axes[0].lines) == len(plain.axes[0].lines) + 1
    # Both are normalised: the one of fewer draws is as high as the other.
    heights = [line.get_ydata().max() for line in both.axes[6].lines[:2]]
    assert heights[0] == pytest.approx(heights[1], rel=0.2)


def test_others_with_fixed_redshift(posterior):
    fixed = with_column(posterior, "redshift", 0.05)
    figure = corner_figure(
        posterior, others=[("Other", fixed, OVERLAY), ("Third", posterior, OVERLAY)]
    )
    assert len(figure.axes) == 16
    assert texts(figure) == ["Other: Redshift fixed at 0.05."]


def test_quick_enough_for_a_page(posterior):
    corner_figure(posterior)
    times = []
    for _ in range(3):
        start = time.process_time()
        corner_figure(posterior)
        times.append(time.process_time() - start)
    assert min(times) < 1.5  # processor time: a busy machine is no slower by it
