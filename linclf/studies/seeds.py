"""The seeds of a study's plan."""

from .splits import check_whole


class Seeds:
    """What the plans share that train several seeds; they are dataclasses with these three fields."""

    seeds: int
    first_seed: int
    epochs: int

    def check_seeds(self) -> None:
        """ConfigError for numbers that cannot be trained."""
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
