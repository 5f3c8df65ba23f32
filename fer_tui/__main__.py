"""`python -m fer_tui` is `fer-tui`."""

import os
import sys

from fer_tui.cli import main

if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109
        del sys.path[0]  # what lies in the current folder is not installed
    sys.exit(main())
