# SPDX-License-Identifier: Apache-2.0
"""muelle, the people's command: images, builds and containers in the words that Docker's users know."""
