"""``make mutants``: of what ``mutmut results --all true`` says, a row a module; status 1 below 85 % in any of them."""

import sys
from collections import Counter

LEAST = 0.85
"""Share of the mutants that the tests must kill. One that never ends, or ends the process, is found out too."""
FOUND_OUT = {"killed", "timeout", "segfault", "caught by type check"}


def main() -> int:
    """Read the results from the standard input."""
    statuses: dict[str, Counter[str]] = {}
    others = []
    for line in sys.stdin:
        mutant, _, status = line.strip().rpartition(": ")
        if mutant.startswith("linclf."):
            statuses.setdefault(mutant.rpartition(".")[0].removeprefix("linclf."), Counter())[status] += 1
            if status not in FOUND_OUT:
                others.append(f"- {mutant}: {status}")
    print("| module | mutants | killed | share |", "| --- | --: | --: | --: |", sep="\n")
    shares = []
    for name, counts in sorted(statuses.items()):
        killed = sum(counts[status] for status in FOUND_OUT)
        shares.append(killed / counts.total())
        print(f"| {name} | {counts.total()} | {killed} | {shares[-1]:.1%} |")
    print("", *others, sep="\n")
    return 1 if min(shares, default=0) < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
