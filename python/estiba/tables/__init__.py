# SPDX-License-Identifier: Apache-2.0
"""What estiba knows as plain data: names, numbers, words. Imports nothing, computes nothing.

`python -m estiba.codegen` writes the Rust copies in rust/engine/src/generated; nothing here is typed twice.
"""
