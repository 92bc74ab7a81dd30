# SPDX-License-Identifier: Apache-2.0
"""The instructions at work, a family a file: what a step is made of, and how it is done when it is not found."""
