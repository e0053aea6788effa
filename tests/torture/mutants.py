"""``make mutants``: of what ``mutmut results --all true`` says, a row a module; status 1 below 85 % in any of them."""

import sys
from collections import Counter, defaultdict

LEAST = 0.85
"""Share of the mutants that the tests must kill. One that never ends, or ends the process, is found out too."""
FOUND_OUT = {"killed", "timeout", "segfault", "caught by type check"}


def main():
    """Read the results from the standard input; whether any module is below."""
    modules, others = defaultdict(Counter), []
    for line in sys.stdin:
        mutant, _, status = line.strip().rpartition(": ")
        if mutant.startswith("linclf."):
            modules[mutant.rpartition(".")[0].removeprefix("linclf.")][status in FOUND_OUT] += 1
            others += [] if status in FOUND_OUT else [f"- {mutant}: {status}"]
    print("| module | mutants | killed | share |", "| --- | --: | --: | --: |", sep="\n")
    for name, counts in sorted(modules.items()):
        print(f"| {name} | {counts.total()} | {counts[True]} | {counts[True] / counts.total():.1%} |")
    print("", *others, sep="\n")
    return min((counts[True] / counts.total() for counts in modules.values()), default=0) < LEAST


if __name__ == "__main__":
    sys.exit(main())
