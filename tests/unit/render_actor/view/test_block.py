from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from render_actor.view.block import Block, joined


def block(samples: int, seed: int) -> Block:
    color, albedo, guide = np.random.default_rng(seed).random((3, 2, 4, 3), dtype=np.float32)
    return Block(samples, color, albedo, guide)


def test_blocks_count_by_their_samples() -> None:
    blocks = [block(4, 0), block(4, 1), block(24, 2)]
    whole = joined(blocks)
    assert whole.samples == 32
    for name in ("color", "albedo", "guide"):
        parts = [getattr(one, name).astype(np.float64) for one in blocks]
        mean = getattr(whole, name)
        assert mean.dtype == np.float32
        assert mean == pytest.approx((parts[0] * 4 + parts[1] * 4 + parts[2] * 24) / 32, abs=1e-6), name


def test_one_block_is_itself_and_the_order_of_joining_does_not_count() -> None:
    one, two, three = block(2, 0), block(6, 1), block(8, 2)
    assert joined([one]).color == pytest.approx(one.color)
    at_once, in_turn = joined([one, two, three]), joined([joined([one, two]), three])
    assert at_once.samples == in_turn.samples == 16 and at_once.guide == pytest.approx(in_turn.guide, abs=1e-6)


def test_normals_are_joined_where_all_blocks_have_them() -> None:
    one, two = block(2, 0), block(6, 1)
    with_normals = [replace(part, normal=part.color) for part in (one, two)]
    assert joined(with_normals).normal == pytest.approx(joined(with_normals).color)
    assert joined([with_normals[0], two]).normal is None


def test_the_direct_part_is_joined_and_taken_out_where_it_is_asked() -> None:
    one, two = (Block(count, *np.random.default_rng(count).random((3, 2, 4, 3), dtype=np.float32)) for count in (2, 6))
    assert joined([one, two]).direct is None
    parts = [Block(part.samples, part.color, part.albedo, part.guide, part.color / 4) for part in (one, two)]
    whole, where = joined(parts), np.arange(8).reshape(2, 4) < 3
    assert whole.direct == pytest.approx(whole.color / 4)
    rest = whole.without_direct(where)
    assert rest.color[where] == pytest.approx(whole.color[where] * 0.75) and rest.direct is None
    assert np.array_equal(rest.color[~where], whole.color[~where])
    brighter = Block(2, one.color, one.albedo, one.guide, one.color * 2)
    assert not brighter.without_direct(np.ones((2, 4), dtype=bool)).color.any()


def test_a_block_takes_pixels_of_another_one_and_keeps_its_own_samples() -> None:
    one, two = (replace(part, normal=part.color, direct=part.albedo) for part in (block(2, 0), block(6, 1)))
    where = np.array([[True, False, False, True], [False, True, False, False]])
    mixed = one.with_pixels_of(two, where)
    assert mixed.samples == 2
    for name in ("color", "albedo", "guide", "direct", "normal"):
        image = getattr(mixed, name)
        assert np.array_equal(image[where], getattr(two, name)[where]) and np.array_equal(image[~where], getattr(one, name)[~where])
    assert one.with_pixels_of(replace(two, normal=None, direct=None), where).normal is None
