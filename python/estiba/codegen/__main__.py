# SPDX-License-Identifier: Apache-2.0
"""`python -m estiba.codegen`."""

import sys

from estiba.codegen import main

sys.exit(main())
