# SPDX-License-Identifier: Apache-2.0
"""A Containerfile, or Dockerfile, to an image: read, planned, run step by step, each step a layer or a change of config."""
