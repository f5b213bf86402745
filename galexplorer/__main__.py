"""The command line as a module: ``python -m galexplorer``."""

import sys

from galexplorer.cli import main

if __name__ == "__main__":
    sys.exit(main())
