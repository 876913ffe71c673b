//! The switch: it joins a leg to a leg.
//!
//! The pure composition of the SIP endpoint, the tables (legs, offers, wires, recordings) and the
//! conversation with centerd. It does no input or output and reads no clock, so that the whole box
//! runs in virtual time in `tests/world`; [`crate::reactor`] is its shell.
//!
//! ```text
//!   datagrams ──► endpoint ──facts──► legs ──► answer plans ─┐
//!                                      ▲                     ├─► wires ──► sound orders
//!   centerd ──commands──► orders ──────┘                     │
//!                                      └── records ──► journal entries, events
//! ```
//!
//! What happens in one call of a `handle_` is one turn: the 200 OK that answers a call and the
//! sound orders that join it leave together. A leg's record goes to centerd whole, once a turn.
//!
//! It must never wait for centerd: plans, release links and every time-out are its own
//! ([`deadline`] lists them). It decides nothing about business: whom to call, who is free, what an
//! end means are centerd's.

mod arrive;
mod connect;
pub mod deadline;
mod desired;
mod dial;
mod gather;
mod leg;
mod line;
mod number;
mod offer;
mod order;
pub mod output;
mod port;
pub mod prompt;
mod record;
mod report;
mod session;
pub mod span;
mod span_state;
mod talk;
mod trace;
mod way;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use board_port::SpanStatus;
use call::{AccountId, Cause, Epoch, LegId, Now, RecordingId, Side, SpanId, Tick, TrunkId};
use link::{Alarm, Contact, DesiredState, Event, ToCenter, TrunkState};

use crate::journal::{Book, Entry};
use crate::limits::HEALTH_MS;
use crate::seam::SoundOrder;

pub use deadline::Timer;
pub use output::{Note, Output, Parting, Turned};
pub use prompt::{Library, Sound};
pub use span::SpanSetup;

use deadline::Deadlines;
use leg::Leg;
use line::Lines;
use offer::Offers;
use port::{Ports, Recorders};
use record::Taping;
use session::Session;
use span::Spans;
use talk::Talks;
use wire::Wires;

/// What a switch is born with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// This start's number.
    pub epoch: Epoch,
    /// Unguessable; from the kernel in the box, from the scenario in the world.
    pub seed: [u8; 32],
    /// Where SIP is heard, as far ends know it.
    pub sip: SocketAddr,
    /// Where RTP is heard, as far ends know it.
    pub rtp: IpAddr,
    /// UDP port of sound port 0; port *i* is at `rtp_first + 2 i`.
    pub rtp_first: u16,
    /// Legs at once; also the number of sound ports.
    pub legs_max: u16,
    /// Recordings at once.
    pub recorders: u16,
    /// A-law is offered before µ-law.
    pub alaw_first: bool,
    /// What we call ourselves.
    pub agent: String,
    /// Silence of the far end that ends a leg, ms; 0: never.
    pub media_timeout_ms: u32,
    /// The digest realm until the desired state names one.
    pub realm: String,
    /// The sounds that were loaded.
    pub library: Library,
    /// The spans of the model, in its order: at most [`crate::limits::SPANS_MAX`].
    pub spans: Vec<SpanSetup>,
}

/// What only the shell can see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Ticks of the sound thread so far.
    pub sound_ticks: u64,
    /// Ticks that began more than one tick late.
    pub sound_overruns: u64,
    /// Messages that wait for centerd to read them.
    pub events_queued: u32,
}

/// The composition. See the module's documentation.
pub struct Switch {
    setup: Setup,
    /// The instant of the input that is handled.
    now: Now,
    born: Now,
    lines: Lines,
    spans: Spans,
    legs: BTreeMap<LegId, Leg>,
    /// Legs whose record centerd has not seen since its last change.
    changed: BTreeSet<LegId>,
    legs_named: u32,
    ports: Ports,
    recorders: Recorders,
    wires: Wires,
    offers: Offers,
    talks: Talks,
    recordings: BTreeMap<RecordingId, Taping>,
    deadlines: Deadlines,
    session: Session,
    desired: DesiredState,
    registrations: BTreeMap<AccountId, Vec<Contact>>,
    trunks: BTreeMap<TrunkId, (TrunkState, String)>,
    /// Spans that changed and of which centerd has not heard.
    untold_spans: BTreeSet<SpanId>,
    alarms: BTreeMap<Alarm, String>,
    vitals: Vitals,
    sound: report::SoundHealth,
    stopping: bool,
    /// Given before anything in `out`: what is said of a leg is in the journal first.
    writes: VecDeque<Entry>,
    out: VecDeque<Output>,
}

impl Switch {
    /// A switch, with what an earlier one left in the journal and the desired state it kept.
    #[must_use]
    pub fn new(now: Now, setup: Setup, book: &Book, desired: Option<DesiredState>) -> Switch {
        let kept_realm = desired.as_ref().map(|d| d.realm.as_str()).filter(|r| !r.is_empty());
        let realm = kept_realm.unwrap_or(&setup.realm).to_owned();
        let mut switch = Switch {
            now,
            born: now,
            lines: Lines::new(now, &setup, &realm),
            spans: Spans::new(now, &setup.spans),
            legs: BTreeMap::new(),
            changed: BTreeSet::new(),
            legs_named: 0,
            ports: Ports::new(setup.legs_max),
            recorders: Recorders::new(setup.recorders),
            wires: Wires::default(),
            offers: Offers::default(),
            talks: Talks::default(),
            recordings: BTreeMap::new(),
            deadlines: Deadlines::default(),
            session: Session::default(),
            desired: DesiredState::default(),
            registrations: BTreeMap::new(),
            trunks: BTreeMap::new(),
            untold_spans: BTreeSet::new(),
            alarms: BTreeMap::new(),
            vitals: Vitals::default(),
            sound: report::SoundHealth::default(),
            stopping: false,
            writes: VecDeque::new(),
            out: VecDeque::new(),
            setup,
        };
        if let Some(desired) = desired {
            switch.apply_desired(desired);
        }
        switch.recover(book);
        switch.begin_music();
        switch.deadlines.set(Timer::Health, now.tick + HEALTH_MS);
        switch.settle();
        switch
    }

    /// A datagram has come to the SIP socket.
    pub fn handle_datagram(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) {
        self.now = now;
        self.lines.receive(now.tick, from, bytes);
        self.settle();
    }

    /// A frame has come on the D-channel of a span, without its check sequence.
    pub fn handle_frame(&mut self, now: Now, span: SpanId, frame: &[u8]) {
        self.now = now;
        self.spans.receive(now, span, frame);
        self.settle();
    }

    /// Whether layer 1 of a span carried nothing when it was last told: a frame that comes then is
    /// news about layer 1 first.
    #[must_use]
    pub fn is_dark(&self, span: SpanId) -> bool {
        self.spans.is_dark(span)
    }

    /// What layer 1 of a span says; to be told about four times a second.
    pub fn handle_span(&mut self, now: Now, span: SpanId, status: SpanStatus) {
        self.now = now;
        self.spans.layer1(now, span, status);
        self.settle();
    }

    /// Time has passed: everything that is due by now.
    pub fn handle_timeout(&mut self, now: Now) {
        self.now = now;
        self.lines.expire(now.tick);
        self.spans.expire(now);
        self.settle();
        while let Some(timer) = self.deadlines.expired(now.tick) {
            self.due(timer);
            self.settle();
        }
    }

    /// The box stops: every leg is hung up, trunks are signed off, recordings are closed. When
    /// [`Switch::is_quiet`], nothing is left to wait for.
    pub fn handle_shutdown(&mut self, now: Now) {
        self.now = now;
        self.stopping = true;
        // Customers first: a release link would tell them another cause.
        let mut legs: Vec<LegId> = self.legs.keys().copied().collect();
        legs.sort_by_key(|leg| self.talks.get(*leg).is_none());
        for leg in legs {
            self.end_leg(leg, Cause::Shutdown, Side::Box);
        }
        let recordings: Vec<RecordingId> = self.recordings.keys().copied().collect();
        for recording in recordings {
            self.stop_recording(recording);
        }
        self.lines.sign_off(now.tick);
        self.settle();
    }

    /// Whether a stopping switch has nothing left to wait for.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.legs.is_empty() && self.recordings.is_empty() && self.lines.is_quiet()
    }

    /// The next effect.
    pub fn poll(&mut self) -> Option<Output> {
        let write = self.writes.pop_front().map(Output::Journal);
        write.or_else(|| self.out.pop_front())
    }

    /// When [`Switch::handle_timeout`] must be called, at latest.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        let ours = self.deadlines.next().map(|(due, _)| due);
        [ours, self.lines.next_timeout(), self.spans.next_timeout()].into_iter().flatten().min()
    }

    /// Takes what the lines have to say until they are silent, then tells what has changed.
    fn settle(&mut self) {
        loop {
            if let Some(said) = self.lines.poll() {
                self.handle_said(said);
            } else if let Some(said) = self.spans.poll() {
                self.handle_span_said(said);
            } else {
                break;
            }
        }
        self.notice_spans();
        self.tell_changes();
    }

    fn due(&mut self, timer: Timer) {
        match timer {
            Timer::Ring(leg) => self.end_leg(leg, Cause::NoAnswer, Side::Box),
            Timer::Seat(leg) => self.no_seat(leg),
            Timer::Leave(leg) => self.leave(leg),
            Timer::Talk(leg) => self.end_leg(leg, Cause::NormalClearing, Side::Box),
            Timer::FirstKey(leg) | Timer::NextKey(leg) => {
                self.end_collection(leg, link::Collected::TimedOut);
            }
            Timer::PlayEnd(leg) => self.play_lost(leg),
            Timer::Fallback(leg) => self.fall_back(leg),
            Timer::Unanswered(leg) => self.end_leg(leg, Cause::NoAnswer, Side::Box),
            Timer::Mute(leg) => self.end_leg(leg, Cause::IncompatibleDestination, Side::Box),
            Timer::Release(leg) => self.finish_unconfirmed(leg),
            Timer::Port(port) => self.ports.closed(media::PortId(port)),
            Timer::Recorder(recording) => self.seal_overdue(recording),
            Timer::Orphans => self.end_orphans(),
            Timer::Spans => self.tell_spans(),
            Timer::Health => self.tell_health(),
        }
    }

    fn leg(&self, leg: LegId) -> Option<&Leg> {
        self.legs.get(&leg)
    }

    /// Changes a leg's record; journal and centerd are told at the end of the turn.
    fn change(&mut self, leg: LegId, how: impl FnOnce(&mut Leg)) {
        if let Some(found) = self.legs.get_mut(&leg) {
            how(found);
            self.changed.insert(leg);
        }
    }

    fn tell(&mut self, event: Event) -> Option<u64> {
        self.session.seq += 1;
        let seq = self.session.seq;
        if !self.session.up {
            return None;
        }
        let at = self.now.stamp;
        self.out.push_back(Output::Link(ToCenter::Event { seq, at, event }));
        Some(seq)
    }

    fn order_sound(&mut self, command: media::Command) {
        self.out.push_back(Output::Sound(SoundOrder::Media(command)));
    }

    fn write(&mut self, entry: Entry) {
        self.writes.push_back(entry);
    }

    fn note(&mut self, note: Note) {
        self.out.push_back(Output::Note(note));
    }
}
