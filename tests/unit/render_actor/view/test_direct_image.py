from __future__ import annotations

import time
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.types import CadMesh
from render_actor.view.block import Block, joined
from render_actor.view.direct_image import DirectImage, ViewDirect, noise_left
from render_actor.view.pixel_filter import NET
from render_actor.view.same_shadow import SameShadow
from render_actor.view.too_slow import ViewTooSlowError
from render_actor.view.xyz_raycast import ObjectCoordinates
from tests.unit.render_actor.view.noisy_views import TONE, displayed_error
from tests.unit.render_actor.view.test_direct_light import light_of, with_shade
from tests.unit.render_actor.view.test_surface_guide import SIZE, SQUARE, VIEW, scene_of

Image = NDArray[np.float32]

BOUNDS = (0, 0, SIZE, SIZE)
MESH = with_shade(0.15)
ALLOWED = 0.1


def view(may_take_sec: float = np.inf) -> ViewDirect:
    return ViewDirect(light_of(MESH), scene_of(SQUARE), VIEW, BOUNDS, may_take_sec)


def converged() -> tuple[Image, NDArray[np.bool_]]:
    """What many points show, and where there is something to see."""
    whole = view()
    image = whole._picture(whole._rays(np.ones((SIZE + 2, SIZE + 2), dtype=bool), 0, NET))[0]
    return image, image.max(axis=-1) > 0.2 * image.max()


TRUTH, MASK = converged()


def blocks_of(direct: Image, noise: float, rest: float = 0.0) -> list[Block]:
    """Two of four samples each, with noise of the direct light and of the rest."""
    made = []
    for seed in range(2):
        chance = np.random.default_rng(seed)
        off, other = chance.standard_normal((2, *direct.shape), dtype=np.float32) / 2
        seen = np.maximum(direct * (1 + np.float32(noise) * off), 0)
        color = seen + np.float32(0.05) + np.float32(0.02 * rest) * other
        made.append(Block(4, color, np.repeat(MASK[..., None], 3, axis=-1).astype(np.float32), np.zeros_like(seen), seen))
    return made


def image_of(direct: Image, noise: float = 0.2, allowed: float = ALLOWED) -> DirectImage:
    found = view().image(blocks_of(direct, noise), MASK, TONE, allowed)
    assert found is not None
    return found


def test_the_picture_is_far_nearer_to_the_converged_one_than_the_samples_and_says_how_near() -> None:
    found, samples = image_of(TRUTH), joined(blocks_of(TRUTH, 0.2)).direct
    assert samples is not None and found.where[MASK].all()
    error, noise = (displayed_error(image + np.float32(0.05), TRUTH + np.float32(0.05), MASK) for image in (found.image, samples))
    assert error < noise / 3 and error < 1.5 * found.error < noise


def test_a_shadow_is_as_dark_as_the_world_leaves_it() -> None:
    """The world shines where the lamp does not reach."""
    assert (TRUTH[MASK].min(axis=0) > 0).all() and TRUTH[MASK].min() < 0.05 * TRUTH.max()


def test_it_is_not_used_where_the_samples_say_otherwise() -> None:
    lamp = TRUTH.copy()
    lamp[:, : SIZE // 2] *= 1.6  # Another light shines on one half.
    found = image_of(lamp, noise=0.05)
    left, right = MASK[:, : SIZE // 2], MASK[:, SIZE // 2 :]
    assert found.where[:, : SIZE // 2][left].mean() < 0.5 or found.where[:, SIZE // 2 :][right].mean() < 0.5 or found.error > 3
    assert not found.image[~found.where].any()


def test_more_rays_are_cast_where_they_matter() -> None:
    rough, fine = (image_of(TRUTH, 0.1, allowed) for allowed in (50.0, 0.05))
    errors = [displayed_error(found.image + np.float32(0.05), TRUTH + np.float32(0.05), MASK) for found in (rough, fine)]
    assert errors[1] < errors[0] / 2 and fine.error < rough.error


def test_rays_are_not_cast_for_a_picture_that_will_be_of_no_use() -> None:
    error = image_of(TRUTH).error
    for at_most, points in ((0.9 * error, NET), (error / 100, 4)):
        hopeless = view()
        with patch.object(hopeless, "_rays", wraps=hopeless._rays) as rays:
            assert hopeless.image(blocks_of(TRUTH, 0.2), MASK, TONE, ALLOWED, at_most) is None
        assert rays.call_args.args[2] <= points
    assert view().image(blocks_of(TRUTH, 0.2), MASK, TONE, ALLOWED, 1.1 * error) is not None


def test_where_all_rays_to_the_lamp_say_the_same_no_more_are_cast() -> None:
    everywhere = np.ones((SIZE + 2, SIZE + 2), dtype=bool)

    def pictures(mesh: CadMesh) -> tuple[list[Image], list[int]]:
        """What 16 points more show after the first 4, and how many rays to the lamp they took: as it is, and if nothing were known."""
        images, cast = [], []
        for known in (SameShadow.known, lambda same: np.zeros_like(same._reached, dtype=np.int8)):
            whole = ViewDirect(light_of(mesh), scene_of(SQUARE), VIEW, BOUNDS)
            with patch.object(SameShadow, "known", known):
                whole._rays(everywhere, 0, 4)
                with patch.object(ObjectCoordinates, "blocked", autospec=True, side_effect=ObjectCoordinates.blocked) as rays:
                    images.append(whole._picture(whole._rays(everywhere, 4, 16))[0])
            cast.append(sum(len(call.args[1]) for call in rays.call_args_list))
        return images, cast

    (few, many), (spared, all_of_them) = pictures(SQUARE)
    assert np.array_equal(few, many) and spared < 0.6 * all_of_them
    (few, many), (spared, all_of_them) = pictures(with_shade(0.04))
    assert displayed_error(few + np.float32(0.05), many + np.float32(0.05), MASK) < 0.15 and spared < 0.9 * all_of_them


def test_equal_samples_give_the_equal_picture() -> None:
    assert np.array_equal(image_of(TRUTH).image, image_of(TRUTH).image)


def test_rays_are_given_up_in_time() -> None:
    late = view(may_take_sec=0.0)
    time.sleep(0.01)
    with pytest.raises(ViewTooSlowError, match="lamp"):
        late.image(blocks_of(TRUTH, 0.1), MASK, TONE, ALLOWED)


def test_the_noise_that_is_not_the_direct_lights_is_what_is_left() -> None:
    assert noise_left(blocks_of(TRUTH, 0.2), MASK, TONE) < 0.01
    assert noise_left(blocks_of(TRUTH, 0.0, rest=1.0), MASK, TONE) == pytest.approx(1.0, abs=0.05)
    assert 0.1 < noise_left(blocks_of(TRUTH, 0.2, rest=0.5), MASK, TONE) < 0.5
