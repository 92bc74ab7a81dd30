# SPDX-License-Identifier: Apache-2.0
"""What the tests that start containers share; no test in here, no assertion about the runtime."""
