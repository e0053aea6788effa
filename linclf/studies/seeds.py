"""The seeds of a study's plan."""

from dataclasses import dataclass

from .splits import check_whole


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """What the plans share that train several seeds.

    Attributes:
        seeds, first_seed: how many seeds are trained, and the number of the first.
        epochs: of each training.

    Raises:
        ConfigError: numbers that cannot be trained.
    """

    seeds: int = 1
    first_seed: int = 0
    epochs: int = 40

    def __post_init__(self) -> None:
        for name, low, high in (("seeds", 1, 10_000), ("first_seed", 0, 2**32), ("epochs", 1, 10**6)):
            check_whole(name, getattr(self, name), low, high)

    @property
    def all_seeds(self) -> range:
        """The seeds that are trained."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def seeds_in_words(self) -> str:
        """The seeds as a page names them."""
        return f"{self.first_seed}" if self.seeds == 1 else f"{self.first_seed} to {self.all_seeds[-1]}"
