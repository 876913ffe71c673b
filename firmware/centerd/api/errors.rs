//! What a request is answered with that could not be done: a status, a word for programs, and a
//! sentence for people that says what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use dialer::campaign::{OrderRefused, SettingRefused};
use dialer::import::HeaderRefused;
use dialer::number::NumberRefused;
use dialer::outcome::DispositionRefused;
use serde::Serialize;
use utoipa::ToSchema;

use crate::center::request::Refused;
use crate::secrets::NoSecret;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nobody is signed in.
    #[error("you are not signed in: sign in first")]
    NotSignedIn,
    /// The name or the password is wrong; the same for both.
    #[error("the name or the password is wrong")]
    WrongLogin,
    /// Too many wrong passwords.
    #[error("too many wrong passwords: try again in {} s", .0.div_euclid(1_000) + 1)]
    LockedOut(i64),
    /// The box has too much to do.
    #[error("the box is busy: try again in a moment")]
    Busy,
    /// The role does not have the right.
    #[error("your role does not allow this: ask an administrator")]
    NotAllowed,
    /// The password must be changed before anything else.
    #[error("change your password first")]
    MustChangePassword,
    /// A page of somebody else may have sent this.
    #[error("send the header X-Linebox: 1 with every change")]
    NoMark,
    /// There is nothing under this path.
    #[error("there is nothing here: look at /api/v1/openapi.json")]
    NoSuchPage,
    /// Something is there, which takes other methods.
    #[error("this path does not take this method: look at /api/v1/openapi.json")]
    WrongMethod,
    /// The row is not there.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// A field is wrong.
    #[error("{reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why, and what would do.
        reason: String,
    },
    /// The body or the query is not what is expected.
    #[error("{0}")]
    Malformed(String),
    /// Too many bytes.
    #[error("too large: at most {0} bytes are taken")]
    TooLarge(usize),
    /// It contradicts what is.
    #[error("{0}")]
    Conflict(String),
    /// The part asked for is behind the end.
    #[error("the part asked for is behind the end")]
    BehindEnd {
        /// How long it is, bytes.
        length: u64,
    },
    /// The sound cannot be opened.
    #[error("the recording cannot be opened: {0}")]
    Sound(String),
    /// The store did not do it.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The running office did not do it.
    #[error("{0}")]
    Office(#[from] Refused),
    /// The campaign's settings are wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<SettingRefused>),
    /// The campaign does not take the order.
    #[error("{0}")]
    Order(#[from] OrderRefused),
    /// The dispositions are wrong.
    #[error("{0}")]
    Dispositions(#[from] DispositionRefused),
    /// The number cannot be read.
    #[error("{0}: write + and country code, or as you would dial it")]
    Number(#[from] NumberRefused),
    /// The file cannot be imported at all.
    #[error("{0}")]
    Header(#[from] HeaderRefused),
    /// The file is not UTF-8 where nothing can be read without.
    #[error("the first row is not UTF-8: save the file as \"CSV UTF-8\" and upload it again")]
    Encoding {
        /// Which row of the file; 0: the header.
        row: u64,
    },
    /// No random bytes.
    #[error("{0}")]
    NoSecret(#[from] NoSecret),
    /// A mistake of ours.
    #[error("the box contradicts itself ({0}): report this to the makers")]
    Bug(String),
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorAnswer {
    /// The one field.
    pub error: ErrorText,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorText {
    /// A word for programs; it never changes.
    pub code: &'static str,
    /// What happened and what to do, for people.
    pub message: String,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// The row of an uploaded file at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// After how many milliseconds it makes sense to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<i64>,
}

impl Problem {
    /// A field is wrong.
    pub fn field(field: &'static str, reason: impl Into<String>) -> Problem {
        Problem::Field { field, reason: reason.into() }
    }

    /// A number in this field cannot be read.
    #[must_use]
    pub fn number(field: &'static str, refused: NumberRefused) -> Problem {
        Problem::field(field, format!("{refused}: write + and country code, or as you dial it"))
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Problem::NotSignedIn => (S::UNAUTHORIZED, "not_signed_in"),
            Problem::WrongLogin => (S::UNAUTHORIZED, "wrong_login"),
            Problem::LockedOut(_) => (S::TOO_MANY_REQUESTS, "locked_out"),
            Problem::Busy => (S::SERVICE_UNAVAILABLE, "busy"),
            Problem::NotAllowed => (S::FORBIDDEN, "not_allowed"),
            Problem::MustChangePassword => (S::FORBIDDEN, "must_change_password"),
            Problem::NoMark => (S::FORBIDDEN, "no_mark"),
            Problem::NoSuchPage => (S::NOT_FOUND, "no_such_page"),
            Problem::WrongMethod => (S::METHOD_NOT_ALLOWED, "wrong_method"),
            Problem::NotFound { .. } => (S::NOT_FOUND, "not_found"),
            Problem::Field { .. } => (S::UNPROCESSABLE_ENTITY, "wrong_field"),
            Problem::Malformed(_) => (S::BAD_REQUEST, "malformed"),
            Problem::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, "too_large"),
            Problem::Conflict(_) => (S::CONFLICT, "conflict"),
            Problem::BehindEnd { .. } => (S::RANGE_NOT_SATISFIABLE, "behind_end"),
            Problem::Sound(_) => (S::INTERNAL_SERVER_ERROR, "recording_damaged"),
            Problem::Store(error) => of_store(error),
            Problem::Office(refused) => of_office(refused),
            Problem::Settings(_) => (S::UNPROCESSABLE_ENTITY, "wrong_settings"),
            Problem::Order(OrderRefused::State(_)) => (S::CONFLICT, "wrong_state"),
            Problem::Order(_) => (S::CONFLICT, "not_ready_to_start"),
            Problem::Dispositions(_) => (S::UNPROCESSABLE_ENTITY, "wrong_field"),
            Problem::Number(_) => (S::UNPROCESSABLE_ENTITY, "not_a_number"),
            Problem::Header(_) => (S::UNPROCESSABLE_ENTITY, "wrong_header"),
            Problem::Encoding { .. } => (S::UNPROCESSABLE_ENTITY, "not_utf8"),
            Problem::NoSecret(_) => (S::INTERNAL_SERVER_ERROR, "no_secret"),
            Problem::Bug(_) => (S::INTERNAL_SERVER_ERROR, "bug"),
        }
    }

    /// Most problems are about no field.
    fn at_field(&self) -> Option<&'static str> {
        if let Problem::Field { field, .. } = self {
            return Some(field);
        }
        if let Problem::Settings(wrong) | Problem::Order(OrderRefused::Settings(wrong)) = self {
            return wrong.first().map(api_field);
        }
        if let Problem::Store(store::Error::Exists(columns)) = self {
            return taken(columns);
        }
        let named = [
            (matches!(self, Problem::Order(OrderRefused::NoTrunk)), "trunk_ids"),
            (matches!(self, Problem::Order(OrderRefused::NoAgent)), "agent_ids"),
            (matches!(self, Problem::Dispositions(_)), "dispositions"),
            (matches!(self, Problem::Number(_)), "number"),
        ];
        named.into_iter().find(|(is, _)| *is).map(|(_, field)| field)
    }

    /// After how many milliseconds it makes sense to try again.
    fn retry_after_ms(&self) -> Option<i64> {
        if let Problem::LockedOut(ms) = self {
            return Some(*ms);
        }
        matches!(self, Problem::Busy).then_some(1_000)
    }
}

/// The field whose value another row has, by what the database says: `agents.tenant_id, agents.number`.
fn taken(columns: &str) -> Option<&'static str> {
    let column = columns.rsplit('.').next()?.trim();
    ["name", "login", "user", "number"].into_iter().find(|field| *field == column)
}

/// The field of a setting as this API names it.
fn api_field(refused: &SettingRefused) -> &'static str {
    match refused.field() {
        "ring_ms" => "ring_timeout_ms",
        "retry.attempts_max" => "attempts_max",
        "retry.interval_ms" | "retry.by_outcome" => "interval_ms",
        "trunks" => "trunk_ids",
        "callers" => "caller_ids",
        "agents" => "agent_ids",
        other => other,
    }
}

fn of_store(error: &store::Error) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match error {
        store::Error::NotFound { .. } => (S::NOT_FOUND, "not_found"),
        store::Error::Exists(_) => (S::CONFLICT, "exists"),
        store::Error::Dangling => (S::UNPROCESSABLE_ENTITY, "no_such_row"),
        store::Error::Full { .. } => (S::CONFLICT, "full"),
        store::Error::NotAllowed(_) => (S::UNPROCESSABLE_ENTITY, "not_allowed_value"),
        store::Error::TooMany { .. } => (S::PAYLOAD_TOO_LARGE, "too_many"),
        store::Error::Lead(_) => (S::CONFLICT, "wrong_state"),
        store::Error::TooSlow(_) => (S::SERVICE_UNAVAILABLE, "too_slow"),
        store::Error::QueueFull(_) | store::Error::Stopped | store::Error::Held => {
            (S::SERVICE_UNAVAILABLE, "busy")
        }
        store::Error::DiskFull => (S::INSUFFICIENT_STORAGE, "disk_full"),
        store::Error::DiskFailed(_) | store::Error::Damaged(_) => {
            (S::INTERNAL_SERVER_ERROR, "disk_failed")
        }
        store::Error::TooNew { .. }
        | store::Error::Key(_)
        | store::Error::UnknownWord { .. }
        | store::Error::Bug(_) => (S::INTERNAL_SERVER_ERROR, "bug"),
    }
}

fn of_office(refused: &Refused) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match refused {
        Refused::NoAgent(_) | Refused::NoCampaign(_) => (S::NOT_FOUND, "not_found"),
        Refused::NoPhone => (S::CONFLICT, "no_phone"),
        Refused::PhoneNotRegistered => (S::CONFLICT, "phone_not_registered"),
        Refused::PhoneTaken(_) => (S::CONFLICT, "phone_taken"),
        Refused::WrongState { .. } => (S::CONFLICT, "wrong_state"),
        Refused::NoTalk => (S::CONFLICT, "no_talk"),
        Refused::NoDisposition(_) => (S::UNPROCESSABLE_ENTITY, "no_disposition"),
        Refused::NoTime => (S::UNPROCESSABLE_ENTITY, "no_time"),
        Refused::CannotStart(_) => (S::CONFLICT, "not_ready_to_start"),
        Refused::SwitchDown => (S::SERVICE_UNAVAILABLE, "switch_down"),
        Refused::BySwitch(_) => (S::CONFLICT, "refused_by_switch"),
        Refused::NoAnswer => (S::GATEWAY_TIMEOUT, "no_answer"),
        Refused::TooMany => (S::SERVICE_UNAVAILABLE, "busy"),
        Refused::DiskFull => (S::INSUFFICIENT_STORAGE, "disk_full"),
        Refused::NotKept(_) => (S::CONFLICT, "not_kept"),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        if status.is_server_error() {
            tracing::error!(code, error = %self, "a request failed");
        }
        let retry_after_ms = self.retry_after_ms();
        let row = if let Problem::Encoding { row } = &self { Some(*row) } else { None };
        let error =
            ErrorText { code, message: told(&self), field: self.at_field(), row, retry_after_ms };
        let mut response = (status, Json(ErrorAnswer { error })).into_response();
        if let Some(ms) = retry_after_ms {
            response.headers_mut().insert(RETRY_AFTER, (ms.div_euclid(1_000) + 1).into());
        }
        if let Problem::BehindEnd { length } = self
            && let Ok(value) = format!("bytes */{length}").parse()
        {
            response.headers_mut().insert(axum::http::header::CONTENT_RANGE, value);
        }
        response
    }
}

/// A wrong row tells the caller about the names of our columns; people read which name is taken.
fn told(problem: &Problem) -> String {
    if let Problem::Store(store::Error::Exists(_)) = problem {
        return "this already exists: choose another name or number".to_owned();
    }
    if let Problem::Order(OrderRefused::Settings(wrong)) = problem {
        return wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    }
    problem.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_to_do_and_which_field() {
        let wrong = Problem::Settings(vec![SettingRefused::Ring { ms: 1 }]);
        assert_eq!(wrong.at_field(), Some("ring_timeout_ms"));
        assert_eq!(wrong.into_response().status(), StatusCode::UNPROCESSABLE_ENTITY);
        let taken = |text: &str| Problem::Store(store::Error::Exists(text.into())).at_field();
        let columns = "UNIQUE constraint failed: agents.tenant_id, agents.number";
        assert_eq!((taken(columns), taken("something else")), (Some("number"), None));
        let locked = Problem::LockedOut(4_200).into_response();
        assert_eq!(locked.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(locked.headers()[RETRY_AFTER], "5");
    }
}
