"""Makes site_factory, through it tests.site_shapes, and certificate_factory importable for the tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE.parent, HERE.parents[2])]
