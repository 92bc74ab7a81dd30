// SPDX-License-Identifier: Apache-2.0
//! Not written yet.
#![no_std]
