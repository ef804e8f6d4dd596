"""Localisation metrics against closed forms and naive loops."""

import numpy as np
import pytest
from scipy import ndimage

from askew.errors import InputError
from askew.metrics_images import aupro, pixel_auroc


def two_regions(big=(2, 2, 8), small=(15, 15, 2)):
    masks = np.zeros((3, 20, 20), dtype=int)
    for row, column, side in (big, small):
        masks[0, row : row + side, column : column + side] = 1
    return masks


def naive_aupro(masks, maps, limit=0.3):
    """Every threshold, every region, one at a time."""
    regions = []
    for i, mask in enumerate(masks):
        numbered, count = ndimage.label(mask, np.ones((3, 3)))
        regions += [(i, numbered == k) for k in range(1, count + 1)]
    x, y = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        found = maps >= threshold
        x.append(found[masks == 0].mean())
        y.append(np.mean([found[i][region].mean() for i, region in regions]))
    area = 0.0
    for a, b, low, high in zip(x[:-1], x[1:], y[:-1], y[1:], strict=True):
        if a < limit and b > a:  # the part of this piece left of the limit
            end = min(b, limit)
            area += (end - a) * (low + (low + (high - low) * (end - a) / (b - a))) / 2
    return area / limit


def test_a_perfect_map_is_1():
    masks = two_regions()
    assert aupro(masks, masks * 7.0) == pytest.approx(1)
    assert pixel_auroc(masks, masks * 7.0) == 1


def test_a_constant_map_is_half_the_limit():
    masks = two_regions()
    assert aupro(masks, np.ones(masks.shape)) == pytest.approx(0.15)
    assert aupro(masks, np.ones(masks.shape), limit=1.0) == pytest.approx(0.5)
    assert pixel_auroc(masks, np.ones(masks.shape)) == pytest.approx(0.5)


def test_an_inverted_map_is_0():
    masks = two_regions()
    assert aupro(masks, -1.0 * masks) == pytest.approx(0)


def test_regions_weigh_alike_whatever_their_size():
    masks = two_regions()
    only_big, only_small = masks.astype(float), masks.astype(float)
    only_big[:, 15:] = 0
    only_small[:, :12] = 0
    # Found at no false pixel: 1/2; the rest comes in with all pixels, on a line up to 1.
    expected = (0.5 + (0.5 + 0.3 * 0.5)) / 2
    assert aupro(masks, only_big) == pytest.approx(expected)
    assert aupro(masks, only_small) == pytest.approx(expected)


def test_where_a_region_lies_does_not_matter():
    one, other = two_regions((2, 2, 8)), two_regions((3, 4, 8))
    value = [aupro(m, m + 0.5 * (np.arange(20) < 7)[:, None] * (m == 0)) for m in (one, other)]
    assert value[0] == pytest.approx(value[1], abs=0.02)


def test_regions_that_touch_at_a_corner_are_one_and_images_are_apart():
    masks = np.zeros((2, 6, 6), dtype=int)
    masks[0, 1, 1] = masks[0, 2, 2] = 1
    maps = np.zeros(masks.shape)
    maps[0, 1, 1] = 1  # half of the one region
    assert aupro(masks, maps) == pytest.approx((0.5 + 0.65) / 2)
    masks[1, 2, 2] = 1  # another region, though its neighbour in the stack is marked too
    assert aupro(masks, maps) == pytest.approx((0.25 + 0.475) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_a_naive_loop(seed):
    generator = np.random.default_rng(seed)
    masks = ndimage.binary_dilation(generator.random((3, 16, 16)) > 0.985, iterations=1)
    maps = np.round(generator.normal(size=masks.shape) + 1.5 * masks, 1)  # with ties
    assert aupro(masks, maps) == pytest.approx(naive_aupro(masks, maps))


def test_anomalous_images_only():
    masks = two_regions()
    maps = masks + np.array([0.0, 5.0, 5.0])[:, None, None]
    assert pixel_auroc(masks, maps) < 0.5
    assert pixel_auroc(masks, maps, anomalous_only=True) == 1


def test_bad_input_is_refused_in_words():
    masks = two_regions()
    with pytest.raises(InputError, match="images, height"):
        aupro(masks, masks[:, :5])
    with pytest.raises(InputError, match="no pixel"):
        aupro(0 * masks, masks)
    with pytest.raises(InputError, match="finite"):
        aupro(masks, np.full(masks.shape, np.nan))
    with pytest.raises(InputError, match="limit"):
        aupro(masks, masks, limit=0)
