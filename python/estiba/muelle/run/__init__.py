# SPDX-License-Identifier: Apache-2.0
"""`muelle run`: a container of an image, in the foreground."""
