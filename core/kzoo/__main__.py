"""``python -m kzoo`` is ``kzoo``."""

import sys

from kzoo.cli import main

sys.exit(main())
