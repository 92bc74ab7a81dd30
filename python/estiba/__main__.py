# SPDX-License-Identifier: Apache-2.0
"""`python -m estiba VERB`: the Python door."""

import sys

from estiba.cli.main import main

sys.exit(main(sys.argv[1:]))
