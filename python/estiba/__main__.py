# SPDX-License-Identifier: Apache-2.0
"""`python -m estiba VERB`: the Python door."""

import sys

from estiba.cli.descriptors import fill
from estiba.cli.main import main

fill()
sys.exit(main(sys.argv[1:]))
