"""What the report starts as a notebook's kernel: ipykernel with this very package, whatever the current folder holds.

A script, not imported: ``python -P kernel.py -f CONNECTION_FILE``, where -P keeps the folder of this file off the path.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The linclf that runs the report, wherever it was imported from: a checkout need not be installed. NumPy, which is
    # all that linclf loads, comes first, so that nothing that stands beside linclf is taken for a module of Python's.
    import numpy  # noqa: F401

    sys.path.insert(0, str(Path(__file__).parent.parent.parent))
    import linclf  # noqa: F401

    del sys.path[0]

    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
