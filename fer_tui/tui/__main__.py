"""The screen of `fer_tui.explore`: python -m fer_tui.tui NUMBER, the number of an inherited socket."""

import socket
import sys

from . import run

if __name__ == "__main__":
    sys.exit(run(None, socket.socket(fileno=int(sys.argv[1]))))
