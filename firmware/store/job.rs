//! Every write that the business can ask for, as one typed value: what [`crate::Store::apply`] and
//! [`crate::Writer::submit`] take, and what they answer.
//!
//! A [`Job`] is atomic: all of it or nothing. Its events are appended to the chain in the same
//! transaction, stamped with its instant and its [`Actor`].

use core::fmt;

use call::{
    AgentId, AttemptId, CampaignId, Cause, Epoch, LeadId, PersonId, RecordingId, Side, SpanId,
    Stamp, TenantId, TrunkId,
};
use dialer::attempt::{Attempt, Moment};
use dialer::campaign;
use dialer::lead::Wish;
use dialer::outcome::{Category, Disposition};
use serde_json::Value;

use crate::accounts::SaveAccount;
use crate::agent_states::AgentState;
use crate::agents::SaveAgent;
use crate::alarms::Severity;
use crate::batches::{ImportRow, RowVerdict};
use crate::calls::NoteCall;
use crate::numbers::SaveNumbers;
use crate::persons::SavePerson;
use crate::recordings::Ending;
use crate::sessions::{SaveToken, TokenHash};
use crate::spans::Span;
use crate::trunks::SaveTrunk;

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(
                Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
                serde::Serialize, serde::Deserialize,
            )]
            #[serde(transparent)]
            pub struct $name(pub i64);
        )*
    };
}

row_ids! {
    /// One imported file.
    BatchId;
    /// One row of the do-not-call list.
    DncId;
    /// One token of a program.
    TokenId;
    /// One alarm.
    AlarmId;
    /// One rule about destinations.
    RuleId;
}

/// Who asks for a change. Written into the chain as `box`, `p1`, `a1` or `k1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The box by itself: a rule, a line event, a timer.
    Box,
    /// A person in the console.
    Person(PersonId),
    /// An agent by phone.
    Agent(AgentId),
    /// A program with a token.
    Token(TokenId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Box => f.write_str("box"),
            Actor::Person(id) => write!(f, "p{}", id.0),
            Actor::Agent(id) => write!(f, "a{}", id.0),
            Actor::Token(id) => write!(f, "k{}", id.0),
        }
    }
}

/// One atomic change.
#[derive(Clone, Debug)]
pub struct Job {
    /// When it happens.
    pub at: Stamp,
    /// Who asks for it.
    pub actor: Actor,
    /// What is asked.
    pub change: Change,
}

impl Job {
    /// A change to the tables of the box.
    #[must_use]
    pub const fn of_box(at: Stamp, actor: Actor, change: BoxChange) -> Job {
        Job { at, actor, change: Change::Box(change) }
    }

    /// A change to one tenant's rows.
    #[must_use]
    pub const fn of_tenant(at: Stamp, actor: Actor, tenant: TenantId, change: TenantChange) -> Job {
        Job { at, actor, change: Change::Tenant(tenant, change) }
    }

    /// Whether it may wait behind everything that somebody waits for.
    #[must_use]
    pub const fn is_bulk(&self) -> bool {
        matches!(self.change, Change::Tenant(_, TenantChange::ImportRows { .. }))
    }
}

/// A change to the box or to one tenant.
#[derive(Clone, Debug)]
pub enum Change {
    /// To the tables of the box.
    Box(BoxChange),
    /// To the rows of this tenant and of no other.
    Tenant(TenantId, TenantChange),
}

/// A change to the tables of the box.
#[derive(Clone, Debug)]
pub enum BoxChange {
    /// centerd starts. Answers [`Applied::Epoch`]: one more than ever before.
    BeginEpoch,
    /// A new tenant. Answers [`Applied::Id`].
    AddTenant {
        /// Its name.
        name: String,
    },
    /// A new tenant with its first console user, who makes the others: both or neither. Answers
    /// [`Applied::Id`] of the tenant.
    OpenTenant {
        /// Its name.
        name: String,
        /// The console user.
        administrator: SavePerson,
    },
    /// Adds or changes a trunk. Answers [`Applied::Id`].
    SaveTrunk(SaveTrunk),
    /// Lets a tenant dial on a trunk, or changes how.
    GrantTrunk {
        /// Which trunk.
        trunk: TrunkId,
        /// Which tenant.
        tenant: TenantId,
        /// Calls at once.
        calls_max: u32,
        /// The number shown, when the trunk takes one.
        caller_id: Option<String>,
    },
    /// Takes a grant back.
    RevokeTrunk {
        /// Which trunk.
        trunk: TrunkId,
        /// Which tenant.
        tenant: TenantId,
    },
    /// Changes how a span is used. Answers [`Applied::Id`].
    SaveSpan(Span),
    /// A person has started a span, or one channel of it, anew: it is in the chain.
    NoteRestart {
        /// Which span.
        span: SpanId,
        /// `None`: all of it.
        slot: Option<u8>,
    },
    /// Adds numbers to a trunk or changes them; all or none.
    SaveNumbers(SaveNumbers),
    /// Takes numbers away from a trunk. Those that it does not own are passed over.
    RemoveNumbers {
        /// Which trunk.
        trunk: TrunkId,
        /// The numbers.
        numbers: Vec<String>,
    },
    /// Sets one setting of the box; `null` removes it.
    SetSetting {
        /// Its key.
        key: String,
        /// Its value.
        value: Value,
    },
    /// Something outside the store that belongs to the desired state has changed. Answers
    /// [`Applied::Desired`]. (Accounts, trunks and grants count it up by themselves.)
    BumpDesired,
    /// Takes ids for recordings that may begin at any moment. Answers [`Applied::Recordings`].
    ReserveRecordings {
        /// How many.
        count: u32,
    },
    /// Raises an alarm, or does nothing when the same one is up. Answers [`Applied::Id`].
    RaiseAlarm {
        /// Whose; `None`: the box's.
        tenant: Option<TenantId>,
        /// What kind, a snake-case word.
        kind: String,
        /// About what (a trunk's name, a path); empty when there is only one.
        subject: String,
        /// How bad.
        severity: Severity,
        /// What the operator reads.
        detail: String,
    },
    /// The alarm's reason is gone.
    ClearAlarm {
        /// Whose.
        tenant: Option<TenantId>,
        /// What kind.
        kind: String,
        /// About what.
        subject: String,
    },
    /// Somebody who is not known here has guessed passwords and is locked out.
    NoteGuessing {
        /// The name or the address that is locked.
        who: String,
        /// Until when.
        until: Stamp,
    },
    /// Forgets sessions that have run out.
    PruneSessions,
}

/// A change to one tenant's rows.
#[derive(Clone, Debug)]
pub enum TenantChange {
    /// Adds or changes a console user. Answers [`Applied::Id`].
    SavePerson(SavePerson),
    /// A new password.
    SetPassword {
        /// Whose.
        person: PersonId,
        /// Its argon2 hash.
        hash: String,
        /// Whether it must be changed at the next sign-in.
        must_change: bool,
    },
    /// A sign-in was tried.
    NoteLogin {
        /// By whom.
        person: PersonId,
        /// Whether the password was right: clears the failures.
        good: bool,
        /// After a failure: no more tries before this.
        locked_until: Option<Stamp>,
    },
    /// A sign-in succeeded.
    OpenSession {
        /// Whose.
        person: PersonId,
        /// The hash of the cookie's token.
        token: TokenHash,
        /// When it runs out.
        expires_at: Stamp,
        /// The address it came from.
        remote: String,
    },
    /// A session is in use and runs out later.
    KeepSession {
        /// Which.
        token: TokenHash,
        /// When it runs out now.
        expires_at: Stamp,
    },
    /// Signs out.
    CloseSession {
        /// Of which session.
        token: TokenHash,
    },
    /// A token for a program. Answers [`Applied::Id`].
    AddToken(SaveToken),
    /// Takes a token back.
    RevokeToken(TokenId),
    /// Adds or changes a phone account. Answers [`Applied::Id`].
    SaveAccount(SaveAccount),
    /// Adds or changes an agent. Answers [`Applied::Id`].
    SaveAgent(SaveAgent),
    /// Adds or changes an agent together with a new console user, whom the agent is from then on:
    /// both or neither. Answers [`Applied::Id`] of the agent.
    SaveAgentWithPerson(SaveAgent, SavePerson),
    /// Somebody else than the agent has ordered something at the agent's seat.
    NoteOrder {
        /// At whose seat.
        agent: AgentId,
        /// What, a word.
        order: &'static str,
    },
    /// Adds or changes a campaign. Answers [`Applied::Id`].
    SaveCampaign {
        /// `None`: a new one, in draft.
        campaign: Option<CampaignId>,
        /// Its settings, already checked; trunks must be granted and agents exist.
        settings: Box<campaign::Settings>,
    },
    /// Starts, pauses or finishes a campaign.
    SetCampaignState {
        /// Which one.
        campaign: CampaignId,
        /// Its new state.
        state: campaign::State,
    },
    /// The list of dispositions that new campaigns start with, as a whole.
    SaveDispositions(Vec<Disposition>),
    /// Puts a number on the do-not-call list and takes its leads out. Answers [`Applied::Id`].
    AddDnc {
        /// `None`: for every campaign of the tenant.
        campaign: Option<CampaignId>,
        /// The number.
        number: call::Number,
        /// Why, for people.
        reason: String,
    },
    /// Takes an entry off the do-not-call list. Finished leads stay finished.
    RemoveDnc(DncId),
    /// A list file is about to be imported. Answers [`Applied::Id`].
    OpenBatch {
        /// Into which campaign.
        campaign: CampaignId,
        /// The file's name as the person gave it.
        file_name: String,
    },
    /// A chunk of a file, rows in ascending order; rows already done are passed over, so a chunk
    /// may be sent again. Answers [`Applied::Imported`].
    ImportRows {
        /// Of which file.
        batch: BatchId,
        /// At most [`crate::limits::IMPORT_ROWS_MAX`].
        rows: Vec<ImportRow>,
    },
    /// The file is through.
    CloseBatch(BatchId),
    /// Claims leads that are due and makes their attempts. Answers [`Applied::Claimed`]; only
    /// after that may a digit go out.
    ClaimLeads {
        /// Of which campaign.
        campaign: CampaignId,
        /// At most so many (and [`crate::limits::CLAIM_LEADS_MAX`]).
        count: usize,
        /// Of the centerd that claims.
        epoch: Epoch,
    },
    /// Nothing went out for this claim, and nothing will.
    GiveBack(AttemptId),
    /// Something became known about an attempt. The first word on each instant holds.
    AttemptProgress {
        /// Which attempt.
        attempt: AttemptId,
        /// What is known now. `dialled` must be written before the order to dial is given.
        progress: Progress,
    },
    /// An attempt is over. Ending it again changes nothing and answers [`Applied::Unchanged`].
    EndAttempt {
        /// Which attempt.
        attempt: AttemptId,
        /// What the line said. [`Cause::Lost`]: a crash has hidden it.
        cause: Cause,
        /// Who ended it.
        by: Side,
    },
    /// What the agent said; after `do_not_call` the number is on the tenant's list.
    SaveDisposition {
        /// Of which attempt.
        attempt: AttemptId,
        /// What it means to the box.
        category: Category,
        /// What the agent read.
        label: String,
        /// A free note.
        note: String,
        /// When to call back.
        call_back_at: Option<Stamp>,
    },
    /// A person takes a lead out of its list.
    WithdrawLead(LeadId),
    /// A person puts a finished lead back.
    ReopenLead(LeadId),
    /// Erases everything personal about a lead: its number, name and fields, the numbers of its
    /// attempts and calls, the personal text of its events. The recording is erased by its id.
    EraseLead(LeadId),
    /// Something became known about a call. The first note of a leg makes its row.
    NoteCall(Box<NoteCall>),
    /// A recording has begun.
    StartRecording {
        /// Its reserved id.
        recording: RecordingId,
        /// Its file, below the recordings' folder.
        path: String,
    },
    /// A recording is over.
    EndRecording {
        /// Which one.
        recording: RecordingId,
        /// How.
        ending: Ending,
    },
    /// Somebody listens to a recording, or takes it away as a file.
    NoteListening {
        /// Which one.
        recording: RecordingId,
        /// As a file.
        download: bool,
    },
    /// An agent came into a state; the one before it ends.
    AgentState(AgentState),
    /// Adds or changes a rule about destinations. Answers [`Applied::Id`].
    SaveRule {
        /// Digits after the plus sign that it is about; empty: everything.
        prefix: String,
        /// Whether it may be dialled.
        allow: bool,
        /// A note for people.
        note: String,
    },
    /// Removes a rule.
    RemoveRule(RuleId),
    /// Sets one setting of the tenant; `null` removes it.
    SetSetting {
        /// Its key.
        key: String,
        /// Its value.
        value: Value,
    },
}

/// What became known about an attempt. Empty fields change nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Instants.
    pub moments: Vec<(Moment, Stamp)>,
    /// The outside leg.
    pub leg: Option<call::LegId>,
    /// The trunk.
    pub trunk: Option<TrunkId>,
    /// The caller id shown.
    pub caller: Option<call::Number>,
    /// The agent it is meant for, then the one who talks. The latest word holds.
    pub agent: Option<AgentId>,
    /// The recording.
    pub recording: Option<RecordingId>,
}

/// What a job has done.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// It is written.
    Done,
    /// It was so already; nothing is written.
    Unchanged,
    /// The id of the row that was added or changed.
    Id(i64),
    /// The new epoch.
    Epoch(Epoch),
    /// The version of the desired state.
    Desired(u64),
    /// The first of the reserved ids; the others follow it.
    Recordings(RecordingId),
    /// The new attempts, in the order in which to dial them.
    Claimed(Vec<Attempt>),
    /// What became of each row of the chunk that was not done before.
    Imported(Vec<RowVerdict>),
    /// What came of the attempt.
    Ended(dialer::attempt::Ended),
}

impl Applied {
    /// The id in [`Applied::Id`].
    #[must_use]
    pub const fn id(&self) -> Option<i64> {
        if let Applied::Id(id) = self { Some(*id) } else { None }
    }
}

/// The wish behind a disposition, or why it has none.
pub(crate) fn wish(category: Category, call_back_at: Option<Stamp>) -> crate::Result<Wish> {
    Wish::of(category, call_back_at)
        .ok_or_else(|| crate::Error::NotAllowed("a callback needs its time".into()))
}
