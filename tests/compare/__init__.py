# SPDX-License-Identifier: Apache-2.0
"""The same Containerfiles under several builders: trees and configs held against each other."""
