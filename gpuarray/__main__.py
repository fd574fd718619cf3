"""``python -m gpuarray``: see `gpuarray.commands`."""

import sys

from gpuarray.commands import main

if __name__ == "__main__":
    sys.exit(main())
