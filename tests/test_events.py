import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from askew.cli.judging import joined
from askew.data import Windows
from askew.events import extent, number_events, peaks

SCORES = st.lists(st.integers(0, 9), min_size=1, max_size=40)


@given(SCORES, st.integers(1, 8))
@example([1, 7, 2, 0, 8, 0, 5, 3, 4], 3)  # exactly 1 apart, but for rounding
@example([0] * 9 + [8] + [0] * 49 + [9], 50)
def test_peaks_are_apart_from_each_other_and_from_events_already_shown(values, length):
    scores, moments = np.array(values, dtype=float), np.arange(len(values)) / length
    alerts = scores > 6
    found, events = peaks(scores, alerts, moments, 50), number_events(alerts, moments)
    assert scores[found[0]] == scores.max() and (np.diff(scores[found]) <= 0).all()
    reaches = np.sort([extent(events, int(i)) for i in found], axis=0)
    assert (moments[reaches[1:, 0]] - moments[reaches[:-1, 1]] > 1 - 1e-9).all()
    assert set(events[found]) - {0} == set(events) - {0}  # every event is shown


@given(SCORES)
def test_items_without_moments_each_stand_for_themselves(values):
    scores = np.array(values, dtype=float)
    alerts = scores > 4
    np.testing.assert_array_equal(np.sort(peaks(scores, alerts, None, 40)), np.arange(len(scores)))
    assert number_events(alerts, None).max() == alerts.sum()


def test_a_recording_ends_an_event():
    data = Windows(length=5).fit(np.sin(np.arange(60.0)))
    moments = data.moments([np.zeros(6), np.zeros(6)])
    alerts = np.repeat(
        [False, True, False], [5, 2, 5]
    )  # the last step of one, the first of another
    assert number_events(alerts, moments).max() == 2
    assert number_events(alerts, data.moments(np.zeros(12))).max() == 1


def test_parts_without_moments_have_none_together():
    assert joined([None, None]) is None
    first = joined([np.array([0.0, 3.0]), np.array([0.0])])
    np.testing.assert_array_equal(first, [0, 3, 4])
