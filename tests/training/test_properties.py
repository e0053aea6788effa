"""What holds for any input: of losses, readers and claims. (Parameters: ``test_parameters.py``.)"""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from helpers import same_rows, training
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from linclf import DataError, load_dataset
from linclf.claims import bootstrap
from linclf.claims.verdicts import VERDICTS, Region
from linclf.studies.results import decode_correct, encode_correct
from linclf.training.losses import LOSSES

every_loss = pytest.mark.parametrize("loss", LOSSES)
few = settings(max_examples=30)

# Losses


@st.composite
def scored(draw):
    """Scores (C, n) and labels (n,)."""
    C, n = draw(st.integers(2, 6)), draw(st.integers(1, 5))
    scores = st.floats(-50, 50, allow_subnormal=False)
    return draw(arrays(np.float64, (C, n), elements=scores)), draw(arrays(np.intp, n, elements=st.integers(0, C - 1)))


@every_loss
@given(scored(), st.integers(0, 2**32 - 1))
def test_a_loss_lies_above_each_of_its_tangents(loss, case, seed):
    """It is convex in the scores, and the gradient is a (sub)gradient: L(T) >= L(S) + G(S) . (T - S)."""
    S, y = case
    T = np.random.default_rng(seed).normal(scale=20, size=S.shape)
    value, gradient = LOSSES[loss].value, LOSSES[loss].gradient
    tangent = value(S, y) + (gradient(S, y) * (T - S)).sum(axis=0)
    assert (value(T, y) >= tangent - 1e-9 * (1 + np.abs(tangent))).all()


@every_loss
@given(scored(), st.randoms(use_true_random=False))
def test_a_loss_knows_no_order_of_classes_or_images(loss, case, random):
    S, y = case
    classes, images = (np.array(random.sample(range(n), n)) for n in S.shape)
    value, G = LOSSES[loss].value(S, y), LOSSES[loss].gradient(S, y)
    assume(np.abs(S - S[y, range(len(y))] + 1).min() > 1e-9)  # at a kink rounding decides
    renamed = S[classes][:, images], np.argsort(classes)[y][images]
    np.testing.assert_allclose(LOSSES[loss].value(*renamed), value[images], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(LOSSES[loss].gradient(*renamed), G[classes][:, images], rtol=1e-12, atol=1e-12)


# Readers


@few
@given(st.binary(max_size=300), st.sampled_from(["a.npz", "a.tar.gz", "cifar-100-a.tgz"]))
def test_any_bytes_are_refused_by_name(content, name):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            load_dataset(Path(folder) / name)


@few
@given(
    array_shapes(min_dims=1, max_dims=3, max_side=4),
    st.sampled_from(["u1", "<f2", "<f4", ">f4", "<f8", ">f8"]),
    st.sampled_from(["u1", "i1", "<i2", ">i4", "<u8"]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_whatever_numbers_npz_holds_come_back(shape, dtype, labels, by_column, seed):
    rng = np.random.default_rng(seed)
    made = {}
    for part, n in (("train", 7), ("test", 3)):
        X = rng.integers(0, 256, (n, *shape)).astype(dtype)
        made |= {f"X_{part}": np.asfortranarray(X) if by_column else X, f"y_{part}": (np.arange(n) % 3).astype(labels)}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "a.npz", **made)
        data = load_dataset(Path(folder) / "a.npz")
    same_rows(training(data), (made["X_train"], made["y_train"]))
    np.testing.assert_array_equal(data.test_images.reshape(3, *shape), made["X_test"])
    assert data.test_labels.tolist() == [0, 1, 2]


# Claims

numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers, numbers)
def test_an_interval_has_one_verdict_and_a_narrower_one_never_another(low, high, inner, bound):
    low, inner, high = sorted([low, inner, high])
    for text in (f"< {bound!r}", f"> {bound!r}", f"= {bound!r}", f"{min(bound, 0)!r} to {max(bound, 0)!r}"):
        region = Region.parse(text)
        verdict = region.verdict(low, high)
        assert verdict in VERDICTS
        if verdict != "inconclusive":
            assert region.verdict(inner, high) == region.verdict(low, inner) == region.verdict(inner, inner) == verdict


columns = arrays(np.float64, st.tuples(st.integers(2, 6)), elements=st.floats(-100, 100, allow_subnormal=False))


@few
@given(columns, st.floats(-10, 10), st.sampled_from([0.5, 2, 8]))
def test_an_interval_moves_and_stretches_with_its_values(column, shift, factor):
    def first(means):
        return means[..., 0]

    low, high = bootstrap.interval([column], first, images=False)
    assert column.min() - 1e-9 <= low <= high <= column.max() + 1e-9
    moved = bootstrap.interval([factor * column + shift], first, images=False)
    np.testing.assert_allclose(moved, (factor * low + shift, factor * high + shift), atol=1e-9)
    mirrored = bootstrap.interval([-column], first, images=False)
    np.testing.assert_allclose(mirrored, (-high, -low), atol=1e-9)


@given(arrays(np.bool_, st.integers(1, 100)))
def test_which_images_were_right_comes_back(correct):
    np.testing.assert_array_equal(decode_correct(encode_correct(correct), len(correct)), correct)
