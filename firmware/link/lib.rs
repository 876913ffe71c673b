//! The conversation between switchd and centerd.
//!
//! A Unix stream socket, one JSON object per line ([`frame`]), typed here and nowhere else.
//! centerd *commands* ([`Command`]), switchd *tells* ([`Event`]). What must happen at once happens
//! in switchd, by an [`AnswerPlan`] it was given; nothing in this crate decides anything.
//!
//! ```text
//! centerd                                        switchd
//!    │ Hello{version, epoch}                         │
//!    │──────────────────────────────────────────────►│  an older epoch is fenced off
//!    │                     Hello{version, epoch, ..} │
//!    │◄──────────────────────────────────────────────│
//!    │                     Snapshot (all that lives, │
//!    │◄────────────── and all that ended, unacked) ──│
//!    │ Command{n, Desired | Offer | Originate | ..}  │
//!    │──────────────────────────────────────────────►│
//!    │                         Done{n} / Refused{n}  │
//!    │◄──────────────────────────────────────────────│
//!    │                          Event{seq, at, ..}   │
//!    │◄──────────────────────────────────────────────│
//!    │ Ack{seq}: written to disk                     │
//!    │──────────────────────────────────────────────►│  the journal forgets them
//! ```
//!
//! Either side may die at any instant. switchd goes on by its plans; centerd, when it is back, takes
//! the snapshot and finds its own work by the tags it put on the legs. Every leg's [`LegRecord`] is
//! sent whole with every change, so that a message seen twice, or a change missed, does no harm.
//!
//! Two more things cross between the processes, by file: the sealed recording ([`sealed`]) that
//! switchd writes and centerd plays, and the box's key ([`key`]) that both read.

pub mod command;
pub mod desired;
pub mod event;
pub mod frame;
pub mod key;
pub mod leg;
pub mod limits;
pub mod plan;
pub mod sealed;
pub mod snapshot;
pub mod span;

pub use command::{Command, Destination, OnAnswer, Refusal};
pub use desired::{Account, ChannelGroup, DesiredState, Fallback, SipWay, Trunk, Way};
pub use event::{Alarm, Collected, Contact, Event, Health, OfferEnd, PlayEnd, TrunkState};
pub use frame::{ToCenter, ToSwitch, VERSION};
pub use leg::{Direction, LegRecord, Line, RecordingRecord, RecordingState};
pub use plan::{AnswerPlan, Connect, NoSeat, Prompt};
pub use snapshot::Snapshot;
pub use span::{
    Channel, ChannelRecord, ChannelState, Hunt, LoopResult, Span, SpanAlarm, SpanCounters,
    SpanLink, SpanRecord, SpanRole, TraceLine,
};
