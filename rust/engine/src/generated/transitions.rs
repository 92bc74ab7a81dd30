// SPDX-License-Identifier: Apache-2.0
//! The life of a container. Written by `python -m estiba.codegen`; do not edit.

/// The OCI status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Creating.
    Creating,
    /// Created.
    Created,
    /// Running.
    Running,
    /// Paused.
    Paused,
    /// Stopped.
    Stopped,
}

impl Status {
    /// The word that people and programs read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// From a status to the next; None is the end of the container.
pub type Steps = &'static [(Status, Option<Status>)];

const START_STEPS: &[(Status, Option<Status>)] = &[(Status::Created, Some(Status::Running))];

const KILL_STEPS: &[(Status, Option<Status>)] = &[
    (Status::Created, Some(Status::Created)),
    (Status::Running, Some(Status::Running)),
    (Status::Paused, Some(Status::Paused)),
];

const DELETE_STEPS: &[(Status, Option<Status>)] = &[(Status::Created, None), (Status::Stopped, None)];

const EXEC_STEPS: &[(Status, Option<Status>)] =
    &[(Status::Created, Some(Status::Created)), (Status::Running, Some(Status::Running))];

const PAUSE_STEPS: &[(Status, Option<Status>)] =
    &[(Status::Created, Some(Status::Paused)), (Status::Running, Some(Status::Paused))];

const RESUME_STEPS: &[(Status, Option<Status>)] = &[(Status::Paused, Some(Status::Running))];

const UPDATE_STEPS: &[(Status, Option<Status>)] = &[
    (Status::Created, Some(Status::Created)),
    (Status::Running, Some(Status::Running)),
    (Status::Paused, Some(Status::Paused)),
];

const PS_STEPS: &[(Status, Option<Status>)] = &[
    (Status::Creating, Some(Status::Creating)),
    (Status::Created, Some(Status::Created)),
    (Status::Running, Some(Status::Running)),
    (Status::Paused, Some(Status::Paused)),
    (Status::Stopped, Some(Status::Stopped)),
];

const EVENTS_STEPS: &[(Status, Option<Status>)] = &[
    (Status::Created, Some(Status::Created)),
    (Status::Running, Some(Status::Running)),
    (Status::Paused, Some(Status::Paused)),
];

const START_HINTS: &[(Status, &str)] = &[
    (Status::Running, "it has been started already"),
    (Status::Stopped, "a container starts once: delete it and create it again"),
    (Status::Paused, "run `estiba resume {id}`"),
    (Status::Creating, "its create is at work, or was killed: `estiba delete --force {id}` cleans it"),
];

const DELETE_HINTS: &[(Status, &str)] = &[
    (Status::Creating, "run `estiba delete --force {id}`"),
    (Status::Running, "run `estiba kill {id} KILL` first, or `estiba delete --force {id}`"),
    (Status::Paused, "run `estiba kill {id} KILL` and `estiba resume {id}`, or `estiba delete --force {id}`"),
];

const EXEC_HINTS: &[(Status, &str)] = &[
    (Status::Paused, "run `estiba resume {id}` first, or give --ignore-paused"),
    (Status::Stopped, "its init has ended"),
];

const PAUSE_HINTS: &[(Status, &str)] = &[(Status::Paused, "it is paused already")];

const RESUME_HINTS: &[(Status, &str)] = &[(Status::Running, "it is not paused")];

/// Verb to what is allowed and what follows.
pub const TRANSITIONS: &[(&str, Steps)] = &[
    ("delete", DELETE_STEPS),
    ("events", EVENTS_STEPS),
    ("exec", EXEC_STEPS),
    ("kill", KILL_STEPS),
    ("pause", PAUSE_STEPS),
    ("ps", PS_STEPS),
    ("resume", RESUME_STEPS),
    ("start", START_STEPS),
    ("update", UPDATE_STEPS),
];

/// What follows `container "ID" is STATUS: `.
pub const NEEDS: &[(&str, &str)] = &[
    ("delete", "delete needs it stopped"),
    ("events", "events needs it created, running or paused"),
    ("exec", "exec needs it created or running"),
    ("kill", "container not running"),
    ("pause", "pause needs it created or running"),
    ("resume", "resume needs it paused"),
    ("start", "start needs it created"),
    ("update", "update needs it created, running or paused"),
];

/// Advice by verb and status; {id} is the container's.
pub const HINTS: &[(&str, &[(Status, &str)])] = &[
    ("delete", DELETE_HINTS),
    ("exec", EXEC_HINTS),
    ("pause", PAUSE_HINTS),
    ("resume", RESUME_HINTS),
    ("start", START_HINTS),
];
