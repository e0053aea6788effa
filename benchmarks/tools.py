"""The same training in different tools, one a process: ``python benchmarks/tools.py TOOL K FOLDER``.

K networks, 10 epochs over 10,000 images in batches of 100, float32, softmax cross-entropy (or the hinge) with an L2
penalty. The clock starts when modules and data are loaded: building and compiling count. All tools begin with the same
weights and see the same batches; FOLDER holds the data, and gets the weights that came out.
"""

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np

BATCH, EPOCHS, CLASSES, THREADS = 100, 10, 10, 2
SETTINGS = ((0.0, 0.001), (0.0, 0.002), (0.1, 0.001), (1.0, 0.001))
"""(λ, η): network k has the setting k mod 4 and the seed k div 4."""


def load(folder):
    return np.load(folder / "X.npy"), np.load(folder / "y.npy")


def initial(K):
    """The weights that all tools start from, (K, C, d)."""
    draws = [np.random.default_rng(k // len(SETTINGS)) for k in range(K)]
    return np.stack([rng.normal(0, 0.01, (CLASSES, 3072)) for rng in draws]).astype(np.float32)


def settings(K):
    return [SETTINGS[k % len(SETTINGS)] for k in range(K)]


def linclf_train(X, y, K, loss="cross_entropy", validation=None, shuffle=False):
    """``linclf.train``; from 20 networks on ``linclf.sweep``, which is what whoever trains many calls."""
    import linclf

    configs = [
        linclf.Config(loss=loss, learning_rate=eta, l2=l2, epochs=EPOCHS, batch_size=BATCH, shuffle=shuffle)
        for l2, eta in settings(K)
    ]
    init = [linclf.Linear(W, np.zeros(CLASSES, np.float32)) for W in initial(K)]

    def work():
        evaluate = validation is not None
        run = linclf.train if K < 20 else linclf.sweep
        runs = run(configs, (X, y), validation, init=init, evaluate=evaluate, progress=False)
        return np.stack([run.model.W for run in runs])

    return work


def linclf_hinge(X, y, K):
    return linclf_train(X, y, K, loss="multiclass_hinge")


def linclf_evaluated(X, y, K):
    return linclf_train(X, y, K, validation=(X[::-1].copy(), y[::-1].copy()))


def linclf_shuffled(X, y, K):
    return linclf_train(X, y, K, shuffle=True)


def linclf_uint8(X, y, K):
    """49,000 images that stay uint8 in a file, standardised a batch at a time; 2 epochs."""
    return _all_images(K, lambda standardize, images: standardize.lazily(images))


def linclf_float32(X, y, K):
    """The same images standardised beforehand, in memory."""
    return _all_images(K, lambda standardize, images: standardize(images))


def _all_images(K, inputs):
    import linclf

    path = Path(sys.argv[3]) / "images.npy"
    if not path.exists():
        np.save(path, np.random.default_rng(0).integers(0, 256, (49_000, 3072), np.uint8))
    images, y = np.load(path, mmap_mode="r"), np.random.default_rng(0).integers(0, CLASSES, 49_000)
    X = inputs(linclf.Standardizer.fit(images[:10_000]), images)
    configs = [linclf.Config(learning_rate=eta, l2=l2, epochs=2) for l2, eta in settings(K)]

    def work():
        runs = linclf.train(configs, (X, y), evaluate=False, progress=False)
        return np.stack([run.model.W for run in runs])

    return work


def linclf_10_gb(X, y, K):
    """One epoch over a file of 10 GB (sparse: what it holds is zeros), in mini-batches of 1,000."""
    import linclf

    images = np.memmap(Path(sys.argv[3]) / "sparse.bin", np.uint8, "w+", shape=(3_300_000, 3072))
    standardize = linclf.Standardizer(np.full(3072, 0.5), np.ones(3072), 255.0)
    config = linclf.Config(learning_rate=0.001, l2=0.0, epochs=1, batch_size=1000)
    y = np.zeros(len(images), np.uint8)
    return lambda: (
        linclf.train(config, (standardize.lazily(images), y), n_classes=CLASSES, evaluate=False, progress=False)[
            0
        ].model.W
    )


def floor(X, y, K):
    """NumPy's two bare matrix products of each batch: scores, and gradient. Nothing is learned."""
    W = initial(K).reshape(K * CLASSES, -1)
    G = np.zeros((K * CLASSES, BATCH), np.float32)

    def work():
        for _ in range(EPOCHS):
            for i in range(0, len(X), BATCH):
                x = X[i : i + BATCH]
                W @ x.T
                G @ x

    return work


def floor_evaluated(X, y, K):
    """The floor, and after each epoch the bare scores of all training and as many validation images."""
    bare, W, validation = floor(X, y, K), initial(K).reshape(K * CLASSES, -1), X[::-1].copy()

    def scores():
        for images in (X, validation):
            for i in range(0, len(images), 1000):
                images[i : i + 1000] @ W.T

    def work():
        scores()
        for _ in range(EPOCHS):
            scores()
        bare()

    return work


def floor_shuffled(X, y, K):
    """The floor, with each batch's images gathered from a random order."""
    W, G = initial(K).reshape(K * CLASSES, -1), np.zeros((K * CLASSES, BATCH), np.float32)
    x, rng = np.empty((BATCH, X.shape[1]), X.dtype), np.random.default_rng(0)

    def work():
        for _ in range(EPOCHS):
            order = rng.permutation(len(X))
            for i in range(0, len(X), BATCH):
                X.take(order[i : i + BATCH], axis=0, out=x, mode="clip")
                W @ x.T
                G @ x

    return work


def textbook(X, y, K):
    """The loop of a course's exercise, in float64; K networks one after the other."""
    X, start = X.astype(np.float64), initial(K).astype(np.float64)
    onehot = np.eye(CLASSES)[y].T

    def one(W, l2, eta):
        b = np.zeros((CLASSES, 1))
        for _ in range(EPOCHS):
            for i in range(0, len(X), BATCH):
                x, t = X[i : i + BATCH].T, onehot[:, i : i + BATCH]
                s = W @ x + b
                p = np.exp(s - s.max(axis=0)) / np.exp(s - s.max(axis=0)).sum(axis=0)
                g = p - t
                W = W - eta * (g @ x.T / x.shape[1] + 2 * l2 * W)
                b = b - eta * g.mean(axis=1, keepdims=True)
        return W

    return lambda: np.stack([one(W, *setting) for W, setting in zip(start, settings(K), strict=True)])


def _torch_loop(X, y, K, batches):
    """``nn.Linear`` and ``SGD``, K networks one after the other; batches(X, y) yields the mini-batches of an epoch."""
    import torch

    torch.set_num_threads(THREADS)
    X, y, start = torch.from_numpy(X), torch.from_numpy(y), torch.from_numpy(initial(K))

    def one(W, l2, eta):
        model = torch.nn.Linear(X.shape[1], CLASSES)
        with torch.no_grad():
            model.weight.copy_(W)
            model.bias.zero_()
        groups = [{"params": [model.weight], "weight_decay": 2 * l2}, {"params": [model.bias]}]
        optimizer = torch.optim.SGD(groups, lr=eta)
        loss = torch.nn.CrossEntropyLoss()
        for _ in range(EPOCHS):
            for x, t in batches(X, y):
                optimizer.zero_grad()
                loss(model(x), t).backward()
                optimizer.step()
        return model.weight.detach().numpy()

    return lambda: np.stack([one(W, *setting) for W, setting in zip(start, settings(K), strict=True)])


def torch_loader(X, y, K):
    """PyTorch as its tutorials write it, with a DataLoader."""
    from torch.utils.data import DataLoader, TensorDataset

    return _torch_loop(X, y, K, lambda X, y: DataLoader(TensorDataset(X, y), batch_size=BATCH))


def torch_sliced(X, y, K):
    """PyTorch with slices of the tensors in place of the DataLoader."""
    return _torch_loop(X, y, K, lambda X, y: zip(X.split(BATCH), y.split(BATCH), strict=True))


def torch_stacked(X, y, K):
    """PyTorch with the K networks stacked and the step written by hand."""
    import torch

    torch.set_num_threads(THREADS)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    W = torch.from_numpy(initial(K).reshape(K * CLASSES, -1))
    l2, eta = (torch.tensor(column).repeat_interleave(CLASSES)[:, None] for column in zip(*settings(K), strict=True))
    onehot = torch.nn.functional.one_hot(y, CLASSES).T.float()

    @torch.no_grad()
    def work():
        b = torch.zeros(K * CLASSES, 1)
        shrink = 1 - 2 * eta * l2
        for _ in range(EPOCHS):
            for i in range(0, len(X), BATCH):
                x = X[i : i + BATCH]
                S = torch.addmm(b, W, x.T).view(K, CLASSES, len(x))
                G = (S.softmax(dim=1) - onehot[:, i : i + BATCH]).view(K * CLASSES, len(x))
                G.mul_(-eta / len(x))
                b += G.sum(dim=1, keepdim=True)
                W.mul_(shrink).addmm_(G, x)
        return W.view(K, CLASSES, -1).numpy()

    return work


def jax_scan(X, y, K):
    """JAX: the epoch as a jitted scan over the batches, the K networks stacked."""
    import jax
    import jax.numpy as jnp

    # Made afresh, so that JAX owns them: conversion counts no more than it does elsewhere.
    batches = (
        jnp.array(X.reshape(-1, BATCH, X.shape[1])),
        jnp.array(np.eye(CLASSES, dtype=np.float32)[y].reshape(-1, BATCH, CLASSES)),
    )
    start = jnp.array(initial(K).reshape(K * CLASSES, -1))
    l2, eta = (
        jnp.repeat(jnp.array(column, jnp.float32), CLASSES)[:, None] for column in zip(*settings(K), strict=True)
    )

    def step(state, batch):
        W, b = state
        x, t = batch
        S = (W @ x.T + b).reshape(K, CLASSES, BATCH)
        G = (jax.nn.softmax(S, axis=1) - t.T).reshape(K * CLASSES, BATCH) * (-eta / BATCH)
        return (W * (1 - 2 * eta * l2) + G @ x, b + G.sum(axis=1, keepdims=True)), None

    @jax.jit
    def epoch(state, batches):
        return jax.lax.scan(step, state, batches)[0]

    def work():
        state = start, jnp.zeros((K * CLASSES, 1), jnp.float32)
        for _ in range(EPOCHS):
            state = epoch(state, batches)
        return np.asarray(state[0]).reshape(K, CLASSES, -1)

    return work


def sklearn_sgd(X, y, K):
    """scikit-learn's SGDClassifier: one image an update and one class against the rest, so another algorithm."""
    from sklearn.linear_model import SGDClassifier

    def work():
        model = SGDClassifier(
            loss="log_loss", alpha=1e-4, learning_rate="constant", eta0=1e-5, max_iter=EPOCHS, tol=None, n_jobs=THREADS
        )
        model.fit(X, y)

    return work


def seconds_to_38_percent():
    """Seconds until a classifier gets 38 % of CIFAR-10's test images right, trained on its first batch, by tool.

    Each is fitted with 1, 2, 4 ... passes over the images until one reaches it; only that fit counts.
    """
    from sklearn.linear_model import LogisticRegression, SGDClassifier

    import linclf

    data = linclf.load_dataset("auto")
    standardize = linclf.Standardizer.fit(data.train_images[0])
    X, test = standardize(data.train_images[0]), standardize(data.test_images)
    y = data.train_labels[0]
    makers = {
        "linclf.SoftmaxClassifier": lambda n: linclf.SoftmaxClassifier(
            alpha=0.1, learning_rate_init=0.001, batch_size=100, momentum=0, max_iter=n, tol=None, random_state=0
        ),
        "SGDClassifier": lambda n: SGDClassifier(
            loss="log_loss", alpha=0.2, learning_rate="constant", eta0=1e-5, max_iter=n, tol=None, n_jobs=THREADS
        ),  # an image at a time: a hundredth of the learning rate
        "LogisticRegression": lambda n: LogisticRegression(C=1 / (2 * 0.1 * len(X)), max_iter=n),
    }
    found = {}
    for name, make in makers.items():
        for n in (1, 2, 4, 8, 16, 32, 64, 128):
            model = make(n)
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # LogisticRegression says that it has not converged
                model.fit(X, y)
            seconds = time.perf_counter() - started
            if (model.predict(test) == data.test_labels).mean() >= 0.38:
                found[name] = {"passes": n, "seconds": seconds}
                break
    return found


def memory():
    """Peak memory in MB: what the process itself took, and with the pages of mapped files."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {"peak_mb": peak, "own_mb": int(lines["RssAnon"].split()[0]) / 1e3}


# What is compared stands side by side: a cloud's machine does not stay as it is for long.
TOOLS = {
    name: globals()[name]
    for name in (
        "linclf_train",
        "floor",
        "linclf_hinge",
        "linclf_evaluated",
        "floor_evaluated",
        "linclf_shuffled",
        "floor_shuffled",
        "linclf_uint8",
        "linclf_float32",
        "textbook",
        "torch_loader",
        "torch_sliced",
        "torch_stacked",
        "jax_scan",
        "sklearn_sgd",
    )
}


def main(name, K, folder):
    folder = Path(folder)
    if name == "seconds_to_38_percent":
        print(json.dumps(seconds_to_38_percent()))
        return
    work = globals()[name](*load(folder), int(K))
    started = time.perf_counter()
    W = work()
    seconds = time.perf_counter() - started
    if W is not None:
        np.save(folder / f"{name}-{K}.npy", W)
    print(json.dumps({"seconds": seconds, **memory()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
