//! What people and programs may ask of the running office, beyond changing rows. Rights are checked
//! before a request comes here (`api/rights.rs`); the rules of the business are checked here.

use call::{AgentId, AttemptId, CampaignId, Stamp};
use store::Actor;

use super::spans::Question;

/// Something asked of the running office.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// An agent comes to work: the seat's phone is called to be nailed up where the seat is so.
    SignIn {
        /// Who.
        agent: AgentId,
    },
    /// An agent goes home. A running talk is finished first.
    SignOut {
        /// Who.
        agent: AgentId,
    },
    /// An agent wants calls.
    Ready {
        /// Who.
        agent: AgentId,
    },
    /// An agent wants no calls; a running talk is finished first.
    Pause {
        /// Who.
        agent: AgentId,
        /// The tenant's code of the reason; 0: none given.
        reason: u8,
        /// A leader ordered it.
        ordered: bool,
    },
    /// An agent says what came of the talk; the wrap-up ends.
    Dispose {
        /// Who.
        agent: AgentId,
        /// Of which attempt.
        attempt: AttemptId,
        /// The key of the disposition.
        digit: u8,
        /// A free note.
        note: String,
        /// When to call back, where the disposition asks for it.
        call_back_at: Option<Stamp>,
    },
    /// An agent ends the call with the customer.
    HangUp {
        /// Who.
        agent: AgentId,
    },
    /// The customer of an agent hears music, or talks again.
    Hold {
        /// Who.
        agent: AgentId,
        /// Hold, or talk.
        on: bool,
    },
    /// A campaign is to dial, to pause, or is over.
    Campaign {
        /// Which.
        campaign: CampaignId,
        /// What a person orders.
        order: dialer::campaign::Order,
    },
    /// Something about a span.
    Span(Question),
    /// Rows that the office works from were changed in the store: it loads them again.
    Reload,
}

/// A request with who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Named by the asker; comes back in the answer.
    pub id: u64,
    /// Who.
    pub actor: Actor,
    /// What.
    pub request: Request,
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such agent, or the agent is disabled.
    #[error("there is no agent {0}")]
    NoAgent(AgentId),
    /// There is no such campaign.
    #[error("there is no campaign {0}")]
    NoCampaign(CampaignId),
    /// The agent has no phone account.
    #[error("the agent has no phone: choose one on the page Agents")]
    NoPhone,
    /// The phone is not registered.
    #[error("the phone is not registered: switch it on and look at its network")]
    PhoneNotRegistered,
    /// Another agent uses the phone now.
    #[error("the phone is in use by agent {0}")]
    PhoneTaken(String),
    /// The agent is in a state in which this makes no sense.
    #[error("the agent is {state}, which does not allow this")]
    WrongState {
        /// The state's word.
        state: &'static str,
    },
    /// The attempt is not one that this agent may dispose of.
    #[error("the agent has no talk to give a disposition for")]
    NoTalk,
    /// The key has no disposition.
    #[error("key {0} has no disposition in this campaign")]
    NoDisposition(u8),
    /// The disposition asks for a time.
    #[error("a callback needs its time")]
    NoTime,
    /// The campaign's settings do not allow it to start.
    #[error("{0}")]
    CannotStart(String),
    /// switchd is not there.
    #[error("the switch is restarting: try again in a moment")]
    SwitchDown,
    /// switchd does not do it.
    #[error("{0}")]
    BySwitch(String),
    /// switchd has not answered in time.
    #[error("the switch did not answer: try again")]
    NoAnswer,
    /// Too many people ask at once.
    #[error("too many questions at once: try again in a moment")]
    TooMany,
    /// The disk does not take anything now.
    #[error("the disk takes nothing now: free space on the data disk; this is done then")]
    DiskFull,
    /// The store does not keep it.
    #[error("this is not kept: {0}")]
    NotKept(String),
}

/// The answer to a request: it was done (its effects may still unfold), or why not.
pub type Answer = Result<(), Refused>;
