# SPDX-License-Identifier: Apache-2.0
"""Gates against getting slower that are no timers: counts, held to the bounds of counts.toml."""
