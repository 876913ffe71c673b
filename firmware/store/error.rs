//! What the world did to the store, and what the operator must do.

use rusqlite::ffi::ErrorCode;

/// The outcome of a store call.
pub type Result<T> = core::result::Result<T, Error>;

/// Why the store did not do it. Nothing of a failed job is ever half applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The data partition is full.
    #[error(
        "the data partition is full and nothing was written: delete old recordings or backups, \
         or give the partition more room; the box tries again by itself"
    )]
    DiskFull,
    /// The disk did not do what it was asked.
    #[error(
        "the disk failed ({0}) and nothing was written: look at the disk's health, \
         then restart the box; restore the last backup if it does not start"
    )]
    DiskFailed(String),
    /// The file is not a sound database.
    #[error("the database is damaged ({0}): stop the box and restore the last backup")]
    Damaged(String),
    /// A newer Linebox has written this database.
    #[error(
        "the database has schema {found} and this Linebox knows up to {known}: \
         start the newer Linebox, or restore a backup from before the update"
    )]
    TooNew {
        /// The schema found.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// Another process holds the database.
    #[error("another process holds the database: only one centerd may run on a box")]
    Held,
    /// The query took longer than a page may take.
    #[error("the query took longer than {0} ms and was stopped: narrow the time or the filters")]
    TooSlow(u64),
    /// The row is not there, or belongs to another tenant.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// There is already one of this name, number or key.
    #[error("this already exists ({0}): choose another name or number")]
    Exists(String),
    /// A row points at something that is not there (or not this tenant's).
    #[error("this names something that does not exist: choose one from the list")]
    Dangling,
    /// The value is outside what the table takes.
    #[error("the value is not allowed ({0})")]
    NotAllowed(String),
    /// The job is larger than its bound.
    #[error("{what} has {found}, more than {max}: send it in parts")]
    TooMany {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The bound.
        max: usize,
    },
    /// The box has as many as it takes.
    #[error("the box takes at most {max} {what}: remove one that is not needed any more")]
    Full {
        /// Of what, in the plural.
        what: &'static str,
        /// How many.
        max: usize,
    },
    /// The writer's queue is full.
    #[error("the disk does not keep up ({0} jobs wait): try again in a moment")]
    QueueFull(usize),
    /// The writer has stopped.
    #[error("the store is stopping: try again after the restart")]
    Stopped,
    /// The key file is missing, unreadable, or not the one that sealed this.
    #[error("the box key cannot be used ({0}): restore the key file of this box from its backup")]
    Key(String),
    /// A stored word is not one that this program knows.
    #[error("{column} holds {word:?}, which this Linebox does not know: was it downgraded?")]
    UnknownWord {
        /// Table and column.
        column: &'static str,
        /// The word found.
        word: String,
    },
    /// The lead does not take this now.
    #[error("the lead does not take this: {0}")]
    Lead(#[from] dialer::lead::Refused),
    /// A mistake of ours: SQL or types do not fit.
    #[error("the store contradicts itself ({0}): report this to the makers with the diagnosis")]
    Bug(String),
}

impl Error {
    /// Whether the same job may go through later without anybody changing it.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Error::DiskFull | Error::QueueFull(_) | Error::TooSlow(_) | Error::Held)
    }

    /// Whether the disk (not the job) is to blame, so that an alarm must be raised.
    #[must_use]
    pub const fn blames_disk(&self) -> bool {
        matches!(self, Error::DiskFull | Error::DiskFailed(_) | Error::Damaged(_))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        let rusqlite::Error::SqliteFailure(code, text) = &error else {
            return Error::Bug(error.to_string());
        };
        let text = text.clone().unwrap_or_else(|| code.to_string());
        // ErrorCode is a foreign enum that may grow: the rest is our mistake.
        #[allow(clippy::wildcard_enum_match_arm)]
        match code.code {
            ErrorCode::DiskFull => Error::DiskFull,
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => {
                Error::DiskFailed(text)
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Error::Damaged(text),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Held,
            ErrorCode::OperationInterrupted => Error::TooSlow(crate::limits::QUERY_MS),
            ErrorCode::ConstraintViolation => refused(code.extended_code, text),
            _ => Error::Bug(text),
        }
    }
}

fn refused(extended: core::ffi::c_int, text: String) -> Error {
    use rusqlite::ffi;
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => Error::Exists(text),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Error::Dangling,
        _ => Error::NotAllowed(text),
    }
}
