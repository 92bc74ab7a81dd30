# SPDX-License-Identifier: Apache-2.0
"""What the commands `estiba` and `muelle` share: argv by a table of verbs, the text of --help, from a verb to its code."""
