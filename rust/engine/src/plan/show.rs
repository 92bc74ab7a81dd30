// SPDX-License-Identifier: Apache-2.0
//! The plan as text, one fact a line: for `debug plan` and the golden files.

use super::Plan;
use core::fmt;
use estiba_init::plan::FIRST_FREE_FD;
use estiba_init::step::Step;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "born {:?}", self.born)?;
        if let Some(score) = self.oom_score_adj {
            writeln!(f, "oom_score_adj {score}")?;
        }
        for (i, handed) in self.handed.iter().enumerate() {
            writeln!(f, "fd {} {handed:?}", FIRST_FREE_FD + i as i32)?;
        }
        for (origin, step) in self.steps.iter() {
            match step {
                Step::Seccomp { flags, program, taken } => {
                    writeln!(
                        f,
                        "{origin}: Seccomp {{ flags: {flags}, {} instructions, taken: {taken:?} }}",
                        program.len() / 8
                    )?;
                }
                step => writeln!(f, "{origin}: {step:?}")?,
            }
        }
        Ok(())
    }
}
