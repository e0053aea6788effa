"""What the report starts as a notebook's kernel: ipykernel, with this very package and no settings of the user's.

A script, imported for the names of its options alone: ``python -P kernel.py -f CONNECTION_FILE``, where -P keeps the
folder of this file off the path.
"""

import logging
import os
import sys

WITHOUT_PNG = "--without-png"
DECODED = "--decoded="
BESIDE = "--beside-others"

if __name__ == "__main__":
    if BESIDE in sys.argv:
        sys.argv.remove(BESIDE)
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # several, of as many kernels as cores, wait for each other
    here = os.getcwd()
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    import matplotlib  # noqa: F401  a matplotlibrc in the current folder would come before $MATPLOTLIBRC

    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # how its fonts are found is nothing for a page

    import linclf  # noqa: F401  before ipykernel takes the current folder, where it may be, off the path

    os.chdir(here)
    for name in ("IPYTHONDIR", "SOURCE_DATE_EPOCH"):  # IPython ends where it can make nothing of them
        os.environ.pop(name, None)
    if WITHOUT_PNG in sys.argv:
        from linclf.report.views import html

        sys.argv.remove(WITHOUT_PNG)
        html.with_png = False
    for word in [word for word in sys.argv if word.startswith(DECODED)]:
        from pathlib import Path

        from linclf.data import load

        sys.argv.remove(word)
        load.decoded = Path(word.removeprefix(DECODED))

    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
