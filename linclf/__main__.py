import sys

from linclf.cli import main

sys.exit(main())
