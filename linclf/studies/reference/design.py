"""The reference's experiment: its four settings, its arms, and what a user may vary.

A section of the report is one or two arms. An arm runs every setting for every seed; the same seed gives the same
initial weights in every arm, so differences between arms are paired by seed.
"""

from dataclasses import dataclass

from linclf.data.dataset import Dataset
from linclf.data.split import N_VALIDATION
from linclf.errors import ConfigError
from linclf.studies.seeds import Seeds
from linclf.studies.splits import check_whole, split_rows
from linclf.training.batches import batch_key
from linclf.training.config import Config

SETTINGS = {1: (0.0, 0.1), 2: (0.0, 0.001), 3: (0.1, 0.001), 4: (1.0, 0.001)}
"""(λ, η) of each setting, as the reference prints them."""

BATCH_SIZE = 100

DRAW_SIZES = (1000, 5000)
"""Test images per draw in ``test_draws_below``: the sizes that claim 1.1g compares."""

NETWORKS_PER_STACK = 24
"""Networks that train as one stack at most: with 8 the matrix products run 1.4 times as fast as with 4, with 24 nearly
twice; and enough stacks are left to keep every core busy."""


@dataclass(frozen=True)
class Arm:
    """One variation of the experiment.

    Attributes:
        title: what a legend calls it.
        split: "batch" (trained on training batch 1, validated on batch 2) or "full" (all training images but the last
            n_validation, which validate).
        changes: fields of Config that differ from the baseline's.
        equal_updates: train for as many updates as the base arm makes, not for as many epochs.
    """

    title: str
    split: str
    loss: str = "cross_entropy"
    decays: bool = False
    shuffle: bool = False
    equal_updates: bool = False


ARMS = {
    "base": Arm("baseline", "batch"),
    "full": Arm("all batches", "full"),
    "full_updates": Arm("all batches, equal updates", "full", equal_updates=True),
    "decay": Arm("learning-rate decay", "batch", decays=True),
    "decay_full": Arm("learning-rate decay, all batches", "full", decays=True),
    "shuffle": Arm("shuffled", "batch", shuffle=True),
    "shuffle_full": Arm("shuffled, all batches", "full", shuffle=True),
    "svm": Arm("SVM", "batch", loss="multiclass_hinge"),
}


KEPT = "full", 3
"""The arm and the setting of the network that a report leaves behind, as ``model.npz``: the reference's with the most
images, and the setting that it finds best."""


def title(arm: str) -> str:
    """What a page calls an arm; of an arm that is none, its name."""
    return ARMS[arm].title if arm in ARMS else arm


SECTIONS = {
    "abstract": ("base",),
    "1.1": ("base", "full", "full_updates"),
    "1.2": ("base", "decay", "full", "decay_full"),
    "1.3": ("base", "shuffle", "full", "shuffle_full"),
    "2": ("base", "svm"),
    "3": (),
}
"""The arms that each section of the reference compares. Section 3 goes beyond it, with a study of its own."""


@dataclass(frozen=True, kw_only=True)
class Plan(Seeds):
    """What a report varies: everything a user may choose, and nothing else.

    Attributes:
        n_validation: images that the full split keeps for validation; at most a fifth of all there are.
        lr_decay: factor on the learning rate after each epoch, in the arms with decay.
    """

    n_validation: int = N_VALIDATION
    lr_decay: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("n_validation", self.n_validation, 1, 10**9)
        if not (isinstance(self.lr_decay, int | float) and 0 < self.lr_decay <= 1):
            raise ConfigError(f"lr_decay must be a number above 0 and at most 1, not {self.lr_decay!r}")

    def configs(self, arm: str, data: Dataset) -> dict[tuple[int, int], Config]:
        """The Config of each (setting, seed) of an arm.

        >>> from linclf import load_dataset
        >>> config = Plan(seeds=2).configs("decay", load_dataset("synthetic:50"))[4, 1]
        >>> config.l2, config.lr_decay, config.seed
        (1.0, 0.9, 1)
        """
        return {
            (setting, seed): self._config(ARMS[arm], l2, learning_rate, seed, data)
            for setting, (l2, learning_rate) in SETTINGS.items()
            for seed in self.all_seeds
        }

    def stacks(self, arm: str, data: Dataset) -> list[dict[tuple[str, int, int], Config]]:
        """The stacks of the networks that see the mini-batches of ``arm``, also those of other arms.

        They are the Configs by (arm, setting, seed). Rounding depends on what trains together, so the cut depends on
        the plan alone, not on what is asked for or stored.
        """
        together = [name for name in ARMS if self._batches(name, data) == self._batches(arm, data)]
        configs = {(name, *key): config for name in together for key, config in self.configs(name, data).items()}
        width = 1 if ARMS[arm].shuffle else NETWORKS_PER_STACK // (len(together) * len(SETTINGS))  # in seeds
        return [
            {key: config for key, config in configs.items() if key[2] in self.all_seeds[i : i + width]}
            for i in range(0, self.seeds, width)
        ]

    def _batches(self, arm: str, data: Dataset) -> tuple[object, ...]:
        """What decides the mini-batches of an arm's first networks."""
        return ARMS[arm].split, batch_key(self.configs(arm, data)[1, self.first_seed])

    def _config(self, arm: Arm, l2: float, learning_rate: float, seed: int, data: Dataset) -> Config:
        epochs, batch_size = self.epochs, BATCH_SIZE
        if arm.equal_updates:
            # As many whole epochs as fit, and a batch size that makes the number of updates come out: on CIFAR-10
            # 4,000 updates are 8 epochs of 500 batches of 98.
            updates = self.epochs * -(-len(data.train_labels[0]) // BATCH_SIZE)
            n = len(split_rows(arm.split, data, self.n_validation).train)
            epochs = max(1, updates * BATCH_SIZE // n)
            batch_size = -(-n * epochs // updates)
        return Config(
            loss=arm.loss,
            learning_rate=learning_rate,
            l2=l2,
            lr_decay=self.lr_decay if arm.decays else 1.0,
            shuffle=arm.shuffle,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
        )
