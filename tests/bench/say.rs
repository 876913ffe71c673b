//! What the bench and its phones tell each other: one JSON object per line, orders on the phones'
//! standard input, answers on their standard output. Every order has exactly one answer.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::voice::Heard;

/// To the phones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Every leg from 0 talks to its address, without any call. For the floor.
    TalkTo {
        /// Where each leg's packets go.
        to: Vec<SocketAddr>,
    },
    /// Nobody talks any more; calls are forgotten.
    Hush,
    /// Forget what was heard so far: the window begins.
    Begin,
    /// The window ends: [`Answer::Sum`].
    End,
    /// From now on watch the ears of two joined legs closely: the next answer that we give to a
    /// call for `customer` is the instant zero. [`Answer::Done`], then [`Answer::Joined`] when both
    /// have heard the other or two seconds have passed.
    Watch {
        /// The leg that is called last; the other is its pair.
        customer: usize,
    },
    /// Place a call from a leg. [`Answer::Done`].
    Call {
        /// The calling leg.
        leg: usize,
        /// Whom.
        number: String,
        /// The server.
        to: SocketAddr,
    },
    /// Hang up every call that we placed.
    HangUpAll,
    /// [`Answer::Count`].
    Count,
    /// Place calls at a rate, each hung up as soon as it is answered. [`Answer::SetUp`] at the end.
    SetUp {
        /// Whom.
        number: String,
        /// The server.
        to: SocketAddr,
        /// Calls a second.
        rate: u32,
        /// How many.
        calls: u32,
    },
}

/// From the phones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// First line: where they listen.
    Ready {
        /// SIP of the callers' and of the called side.
        sip: [SocketAddr; 2],
    },
    /// Done.
    Done,
    /// The window is over.
    Sum {
        /// All ears together.
        heard: Heard,
        /// Packets sent.
        sent: u64,
        /// From saying to hearing, ms: median, 99th percentile, worst. Read once a tick, so
        /// rounded up by at most 20 ms.
        delay_ms: [f64; 3],
        /// The phones' own worst lateness, ms: beyond a tick the figures say more about the machine
        /// than about what is measured.
        late_ms: f64,
    },
    /// The answer to [`Order::Watch`]; `None` what was not heard in time.
    Joined {
        /// From our 200 OK until the customer heard the seat, ms.
        customer_ms: Option<f64>,
        /// From our 200 OK until the seat heard the customer, ms.
        seat_ms: Option<f64>,
    },
    /// How many legs are in a call.
    Count {
        /// Legs.
        up: usize,
    },
    /// What became of [`Order::SetUp`].
    SetUp {
        /// Answered and hung up.
        good: u32,
        /// Refused, or not answered in five seconds.
        failed: u32,
        /// From INVITE to 200 OK, ms: median, 99th percentile.
        answer_ms: [f64; 2],
    },
}
