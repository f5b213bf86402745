"""The fuzzer's modules and the replayed services, which are no package: they are scripts too."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "sky"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
