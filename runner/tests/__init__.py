# SPDX-License-Identifier: GPL-2.0
"""Let the tests find each other, from whichever folder they are started."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
