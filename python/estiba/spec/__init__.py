# SPDX-License-Identifier: Apache-2.0
"""The OCI config: made, read and judged. Pure: values in, values or problems out, no files, no kernel."""

from estiba.spec.default import default_config

__all__ = ["default_config"]
