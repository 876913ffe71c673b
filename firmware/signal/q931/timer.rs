//! The timers of Q.931 §9 that a primary rate interface needs, with the standard's defaults.
//!
//! ```text
//!  timer  user     network  runs in state        started by            at its end
//!  T301   180 s    180 s    4 / 7                ALERTING heard        DISCONNECT, cause 19
//!  T302   15 s     15 s     25 / 2               SETUP ACK sent        the number counts as complete
//!  T303   4 s      4 s      1 / 6                SETUP sent            SETUP once more; RELEASE COMPLETE
//!  T304   30 s     20 s     2 / 25               SETUP ACK heard       DISCONNECT, cause 102
//!  T305   30 s     30 s     11 / 12              DISCONNECT sent       RELEASE
//!  T306   -        30 s     12                   DISCONNECT with tone  RELEASE
//!  T308   4 s      4 s      19                   RELEASE sent          RELEASE once more; channel restarted
//!  T309   90 s     90 s     10, 11, 12, 19       data link lost        cleared, cause 27
//!  T310   120 s    10 s     3 / 9                CALL PROCEEDING heard DISCONNECT, cause 102
//!  T313   4 s      -        8                    CONNECT sent          DISCONNECT, cause 102
//!  T316   120 s    120 s    restart request      RESTART sent          RESTART again; out of service
//!  T322   4 s      4 s      any                  STATUS ENQUIRY sent   asked again; DISCONNECT, cause 41
//! ```
//!
//! T307, T318, T319 (suspend and resume), T312 (broadcast), T314 (segmentation) and T320, T321
//! (packets, backup D-channel) have no place on a primary rate interface. T317 bounds the clearing
//! inside of a restarted side; ours is done within the same call, so it never runs.

/// Every timer of a call, a restart and the D-channel itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The far end rings.
    T301,
    /// Between two digits that we are sent.
    T302,
    /// For the first answer to our SETUP.
    T303,
    /// Between SETUP ACKNOWLEDGE (or our last digit) and the end of overlap sending.
    T304,
    /// For the RELEASE after our DISCONNECT.
    T305,
    /// For how long the network's tone is heard after its DISCONNECT (§5.4.1).
    T306,
    /// For the answer to our RELEASE.
    T308,
    /// For how long an active call outlives its data link (§5.8.9).
    T309,
    /// From CALL PROCEEDING to ALERTING or CONNECT.
    T310,
    /// For the network's CONNECT ACKNOWLEDGE.
    T313,
    /// For the answer to our RESTART (§5.5).
    T316,
    /// For the answer to our STATUS ENQUIRY (§5.8.10).
    T322,
    /// For how long we listen to the network's tone after its DISCONNECT before we release.
    Listen,
}

/// How long each timer runs, in milliseconds (Q.931 tables 9-1 and 9-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// T301: at least three minutes.
    pub t301_ms: u64,
    /// T302.
    pub t302_ms: u64,
    /// T303; it runs twice.
    pub t303_ms: u64,
    /// T304.
    pub t304_ms: u64,
    /// T305.
    pub t305_ms: u64,
    /// T306, network side only.
    pub t306_ms: u64,
    /// T308; it runs twice.
    pub t308_ms: u64,
    /// T309: 6 to 90 s.
    pub t309_ms: u64,
    /// T310.
    pub t310_ms: u64,
    /// T313, user side only.
    pub t313_ms: u64,
    /// T316; it runs [`crate::limits::RESTART_TRIES`] times.
    pub t316_ms: u64,
    /// T322; it runs [`crate::limits::ENQUIRY_TRIES`] times.
    pub t322_ms: u64,
    /// For how long a tone behind a DISCONNECT is listened to, if the owner does not hang up
    /// before; the network ends it after its T306 anyway.
    pub listen_ms: u64,
}

impl Timers {
    /// The defaults of the user side (table 9-2).
    pub const USER: Timers = Timers {
        t301_ms: 180_000,
        t302_ms: 15_000,
        t303_ms: 4_000,
        t304_ms: 30_000,
        t305_ms: 30_000,
        t306_ms: 30_000,
        t308_ms: 4_000,
        t309_ms: 90_000,
        t310_ms: 120_000,
        t313_ms: 4_000,
        t316_ms: 120_000,
        t322_ms: 4_000,
        listen_ms: 30_000,
    };
    /// The defaults of the network side (table 9-1).
    pub const NETWORK: Timers = Timers { t304_ms: 20_000, t310_ms: 10_000, ..Timers::USER };

    /// For how long this timer runs, in milliseconds.
    #[must_use]
    pub const fn of(&self, timer: Timer) -> u64 {
        match timer {
            Timer::T301 => self.t301_ms,
            Timer::T302 => self.t302_ms,
            Timer::T303 => self.t303_ms,
            Timer::T304 => self.t304_ms,
            Timer::T305 => self.t305_ms,
            Timer::T306 => self.t306_ms,
            Timer::T308 => self.t308_ms,
            Timer::T309 => self.t309_ms,
            Timer::T310 => self.t310_ms,
            Timer::T313 => self.t313_ms,
            Timer::T316 => self.t316_ms,
            Timer::T322 => self.t322_ms,
            Timer::Listen => self.listen_ms,
        }
    }
}
