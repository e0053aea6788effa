"""How far one linear layer goes: a search, what each ingredient brings, learning curves, the convex optimum.

Choices are made on validation images alone. The test images are used once, after every choice has been made.
"""

from .study import Ceiling

__all__ = ["Ceiling"]
