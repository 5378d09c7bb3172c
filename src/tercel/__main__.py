"""python -m tercel: the command line, which is `tercel` where scripts are installed."""

import sys

if __name__ == "__main__":
    from tercel.cli.main import main

    sys.exit(main())
