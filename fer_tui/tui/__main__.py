"""The screen of `fer_tui.explore`: python -m fer_tui.tui NUMBER, the number of an inherited socket."""

import socket
import sys

from fer_tui.contract import InputError

from . import run

if __name__ == "__main__":
    try:
        sys.exit(run(None, socket.socket(fileno=int(sys.argv[1]))))
    except InputError as error:
        print(f"fer-tui: {error}", file=sys.stderr)
        sys.exit(2)
