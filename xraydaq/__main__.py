"""``python -m xraydaq``."""

from xraydaq.cli.main import main

if __name__ == "__main__":
    main()
