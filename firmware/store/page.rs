//! Lists are read page by page from a known row on, never by counting from the start: page 1000
//! costs what page 1 costs, and rows that arrive meanwhile move nothing.

use call::Stamp;

use crate::limits::PAGE_ROWS_MAX;

/// A row of a list that is ordered by time, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The instant by which the list is ordered.
    pub at: Stamp,
    /// The row's id.
    pub id: i64,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows older than this one; `None`: from the newest.
    pub before: Option<Cursor>,
    /// At most so many (and [`PAGE_ROWS_MAX`]).
    pub rows: usize,
}

impl Page {
    /// The first page.
    #[must_use]
    pub const fn first(rows: usize) -> Page {
        Page { before: None, rows }
    }

    /// The page after the one that ended with `last`.
    #[must_use]
    pub const fn after(last: Cursor, rows: usize) -> Page {
        Page { before: Some(last), rows }
    }

    pub(crate) fn limit(&self) -> i64 {
        i64::try_from(self.rows.min(PAGE_ROWS_MAX)).unwrap_or(0)
    }
}

/// What a list of attempts or calls is narrowed to. Empty fields narrow nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this campaign.
    pub campaign: Option<call::CampaignId>,
    /// Of this agent.
    pub agent: Option<call::AgentId>,
    /// With this number, whole.
    pub number: Option<call::Number>,
    /// Not before.
    pub from: Option<Stamp>,
    /// Before.
    pub until: Option<Stamp>,
    /// With a recording, or without.
    pub recorded: Option<bool>,
    /// With this outcome (attempts only).
    pub outcome: Option<dialer::outcome::Outcome>,
    /// For this (calls only).
    pub kind: Option<crate::calls::CallKind>,
}
