# SPDX-License-Identifier: Apache-2.0
"""estiba: an OCI container runtime as a library."""
