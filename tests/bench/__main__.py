"""`python -m tests.bench [p1|p2]`: what the collection costs beside doing the same by other means, as a Markdown table.

p1 is the machines, on an emulated Proxmox VE; p2 the cluster, in a lab. Each has options of its own (--help).
"""

from __future__ import annotations

import sys

from tests.bench import p1, p2

PARTS = {"p1": p1.main, "p2": p2.main}


def main() -> int:
    words = sys.argv[1:]
    part = words.pop(0) if words and words[0] in PARTS else "p1"
    return PARTS[part](words)


if __name__ == "__main__":
    sys.exit(main())
