"""``python -m xraydaq.guardian FD``: started by the client, never by a person."""

import sys

from xraydaq.guardian.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
