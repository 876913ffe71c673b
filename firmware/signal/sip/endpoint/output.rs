//! Every effect and fact of an endpoint.

use std::net::IpAddr;

use call::{AccountId, Cause, LegPhase, Side, Tick, TrunkId};

use crate::sip::flow::Flow;
use crate::sip::registrar::Gone;
use crate::sip::wire::StatusCode;

/// A call of an endpoint. The owner names the calls that it begins (below 2^63), the endpoint
/// those that come in (from 2^63 on), so that the two never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(pub u64);

impl CallKey {
    /// Whether the endpoint named it.
    #[must_use]
    pub const fn is_incoming(self) -> bool {
        self.0 >> 63 == 1
    }
}

/// Who is at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A phone of ours.
    Account(AccountId),
    /// A trunk.
    Trunk(TrunkId),
}

/// Who calls, as far as the far end says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user of From, or of P-Asserted-Identity from a trunk.
    pub number: Option<String>,
    /// The name beside it.
    pub display: Option<String>,
    /// Who redirected the call last, as a trunk says (RFC 5806 Diversion).
    pub redirecting: Option<String>,
}

/// Something that is counted and needs nobody's action at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// A datagram was dropped unread: its source, or all strangers together, send too many.
    Flood,
    /// A datagram was dropped: it is not SIP, or a broken message that must not be answered.
    Malformed,
    /// A broken request was answered 400, 505 or 513.
    BadRequest,
    /// A request of a method that we do not know was answered 501.
    MethodUnknown,
    /// A request of a method that we do not take was answered 405.
    MethodNotAllowed,
    /// A request was answered 4xx for its Max-Forwards, Require, URI scheme or body.
    Unacceptable,
    /// A request in a call that we do not know was answered 481.
    NoSuchCall,
    /// A response came that answers nothing of ours.
    StrayResponse,
    /// An INVITE came by a second way and was answered 482.
    Merged,
    /// A challenge was sent to somebody without credentials.
    Challenged,
    /// Wrong credentials: an unknown user or a wrong password.
    WrongCredentials,
    /// A nonce count came a second time.
    Replayed,
    /// Refused with 403 because of a lock.
    Locked,
    /// Refused with 503 because a table was full.
    Full,
}

/// What an endpoint asks of its owner, or tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put one datagram on the wire.
    Send {
        /// Where to.
        to: Flow,
        /// One message.
        bytes: Vec<u8>,
    },
    /// Somebody calls. The leg is in phase `Dialing`; answer, progress, reject or hang up.
    Incoming {
        /// Its key from now on.
        call: CallKey,
        /// Who calls.
        from: Party,
        /// What they say of themselves.
        caller: Caller,
        /// What they dialled.
        called: String,
        /// Their offer; without one, the answer is to be an offer of ours.
        offer: Option<String>,
    },
    /// A leg is in a further phase, or has news about its sound.
    Phase {
        /// Which call.
        call: CallKey,
        /// The phase. With `Ended` the call is forgotten here.
        phase: LegPhase,
        /// Why, when releasing or ended.
        cause: Option<Cause>,
        /// Who ended it, when releasing or ended: `Far` or `Box` (a release link is the owner's).
        by: Option<Side>,
        /// The far end's answer, or its early media. An answer that came early is not always given
        /// again with `Answered`: then the early one stands.
        sdp: Option<String>,
    },
    /// The far end wants other sound: accept or refuse at once.
    Reoffer {
        /// Which call.
        call: CallKey,
        /// Its offer; without one, ours is asked for.
        offer: Option<String>,
    },
    /// The far end's answer to an offer that went out in our 200.
    LateAnswer {
        /// Which call.
        call: CallKey,
        /// Its answer.
        sdp: String,
    },
    /// A key was pressed, told by INFO.
    Digit {
        /// Which call.
        call: CallKey,
        /// One of `0-9 * # A-D`.
        digit: char,
        /// For how long, in milliseconds.
        duration_ms: u32,
    },
    /// A phone has registered or refreshed.
    Registered {
        /// Whose.
        account: AccountId,
        /// Its contact URI.
        contact: String,
        /// Where it really is.
        flow: Flow,
        /// For how long, in seconds.
        expires_s: u32,
        /// It was not there before.
        fresh: bool,
    },
    /// A phone's contact is gone.
    Unregistered {
        /// Whose.
        account: AccountId,
        /// Its contact URI.
        contact: String,
        /// Why.
        reason: Gone,
        /// How many contacts the account still has.
        remaining: usize,
    },
    /// A trunk is registered, or has answered.
    TrunkUp {
        /// Which.
        trunk: TrunkId,
    },
    /// A trunk is not registered any more, or does not answer.
    TrunkDown {
        /// Which.
        trunk: TrunkId,
        /// Its refusal; nothing if nobody answered or we have left.
        status: Option<StatusCode>,
    },
    /// Somebody guesses passwords.
    LockedOut {
        /// The name tried; nothing if the whole source is locked.
        user: Option<String>,
        /// From where.
        source: IpAddr,
        /// When it opens again.
        until: Tick,
    },
    /// A call of a process before us, ended by [`super::Endpoint::bye_from_record`], is settled.
    RecordEnded {
        /// Its Call-ID.
        call_id: String,
        /// Whether the far end has answered.
        confirmed: bool,
    },
    /// Something to be counted.
    Counted(Counted),
}
