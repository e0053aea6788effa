"""``python -m linclf`` is the command ``linclf``."""

import sys

from linclf.cli import main

sys.exit(main())
