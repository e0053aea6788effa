"""What holds for any input: of losses, training, readers and claims. (Parameters: ``test_parameters.py``.)"""

import json
import math
import tempfile
from pathlib import Path

import cifar_files
import numpy as np
import pytest
from helpers import idx_bytes, same_rows, training
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from linclf import Config, DataError, Linear, load_dataset, train
from linclf.claims import bootstrap
from linclf.claims.verdicts import VERDICTS, Region, _difference
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


# Training


@st.composite
def problem(draw):
    """A Config of one whole batch an epoch, images, labels, weights and an initial model."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d, C = draw(st.tuples(st.integers(1, 8), st.integers(1, 6), st.integers(2, 5)))
    own = Config(
        loss=draw(st.sampled_from(list(LOSSES))),
        learning_rate=draw(st.sampled_from([0, 0.001, 0.1, 3])),
        l2=draw(st.sampled_from([0, 0.1, 1, 30])),
        lr_decay=draw(st.sampled_from([0, 0.5, 1])),
        epochs=draw(st.integers(0, 4)),
        batch_size=n,
    )
    w = draw(st.just(np.ones(n)) | arrays(np.float64, n, elements=st.sampled_from([0, 0.5, 1, 3])).filter(np.any))
    images = rng.normal(size=(n, d)), rng.integers(0, C, n), w * n / w.sum()
    return own, images, Linear(rng.normal(size=(C, d)), rng.normal(size=C))


@few
@given(problem())
def test_each_epoch_of_one_batch_is_one_step_of_the_formula(case):
    own, (X, y, w), model = case
    W, b, rate = model.W, model.b, own.learning_rate
    for _ in range(own.epochs):
        G = w * LOSSES[own.loss].gradient(W @ X.T + b[:, None], y) / len(y)
        W, b, rate = W - rate * (G @ X + 2 * own.l2 * W), b - rate * G.sum(axis=1), rate * own.lr_decay
    (run,) = train(own, (X, y, w), init=[model], progress=False)
    np.testing.assert_allclose(run.model.W, W, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(run.model.b, b, rtol=1e-8, atol=1e-8)
    S = W @ X.T + b[:, None]
    last = (w * LOSSES[own.loss].value(S, y)).mean()
    assert run.history.train_loss[-1] == pytest.approx(last, rel=1e-6, abs=1e-9)
    assert run.history.train_cost[-1] == pytest.approx(last + own.l2 * (W**2).sum(), rel=1e-6)


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


@few
@given(arrays(np.uint8, st.tuples(st.integers(5, 9), st.integers(1, 4), st.integers(1, 4))))
def test_whatever_pixels_idx_holds_come_back(images):
    y = np.arange(len(images), dtype=np.uint8) % 2
    with tempfile.TemporaryDirectory() as folder:
        for part in ("train", "t10k"):
            (Path(folder) / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
            (Path(folder) / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(y))
        data = load_dataset(folder)
    same_rows(training(data), (images[..., None], y))
    np.testing.assert_array_equal(data.test_images[..., 0], images)


@few
@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_whatever_labels_cifar_holds_come_back(labels, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), np.uint8)
    y = np.array(labels, np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for name in cifar_files.BATCHES:
            path = Path(folder) / "cifar-10-batches-py" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(cifar_files.pickled(pixels, y))
        data = load_dataset(folder)
    for images, found in zip(data.train_images, data.train_labels, strict=True):
        assert found.tolist() == labels
        np.testing.assert_array_equal(images.transpose(0, 3, 1, 2).reshape(-1, 3072), pixels)


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


@given(st.text(max_size=20))
def test_any_text_is_a_region_or_a_value_error(text):
    try:
        region = Region.parse(text)
    except ValueError:
        return
    assert region.verdict(0.0, 0.0) in VERDICTS or math.isnan(region.low + region.high)


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


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1000, 1000) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(documents, documents)
def test_equal_documents_do_not_differ_and_others_do(one, other):
    assert _difference(one, json.loads(json.dumps(one)), "") is None
    assert (_difference(one, other, "") is None) == (_difference(other, one, "") is None)
    if json.dumps(one) != json.dumps(other) and not _close(one, other):
        assert _difference(one, other, "")


def _close(one, other):
    """Whether two documents are equal but for numbers a billionth apart, or 1 and 1.0."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if type(one) in (int, float) and type(other) in (int, float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-12)
    return type(one) is type(other) and one == other
