//! The bench as centerd: speaks the link, acknowledges everything, remembers what a measurement
//! needs.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use call::{Cause, Epoch, LegId, LegPhase, LegTag, OfferId, RecordingId, TrunkId};
use link::frame::{self, Lines};
use link::{
    AnswerPlan, Command, DesiredState, Destination, Event, Fallback, Health, LegRecord, NoSeat,
    OnAnswer, RecordingRecord, RecordingState, SipWay, ToCenter, ToSwitch, Trunk, VERSION, Way,
};

use crate::broken::{Broken, Doing};
use crate::limits::LEGS_MAX;

/// The trunk at which the seats' telephones are.
pub const SEATS: TrunkId = TrunkId(1);
/// The trunk at which the customers are.
pub const CUSTOMERS: TrunkId = TrunkId(2);

/// Bytes read from the link at once.
const READ_BYTES: usize = 65_536;
/// Longest ringing, ms; our telephones answer at once.
const RING_MS: u32 = 30_000;

/// A leg, as far as the bench must know it.
#[derive(Clone, Debug)]
pub struct Known {
    /// When we asked for it.
    pub asked: Instant,
    /// When the link told that it is answered.
    pub answered: Option<Instant>,
    /// The whole record.
    pub record: Option<LegRecord>,
}

impl Known {
    /// Where in its life it is.
    pub fn phase(&self) -> LegPhase {
        self.record.as_ref().map_or(LegPhase::Idle, |record| record.phase)
    }

    /// Whether it was joined.
    pub fn joined(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.joined.is_some())
    }

    /// Whether it ended as a call that was answered and hung up by us.
    pub fn good(&self) -> bool {
        self.record.as_ref().is_some_and(|record| {
            record.answered.is_some() && record.cause == Some(Cause::NormalClearing)
        })
    }
}

/// One connection to switchd.
pub struct Office {
    stream: UnixStream,
    lines: Lines,
    commands: u64,
    legs: u64,
    names: i64,
    pending: Vec<u8>,
    /// Legs of the present measurement.
    pub known: BTreeMap<LegId, Known>,
    /// Legs whose answer was heard and not looked at yet.
    pub fresh: Vec<LegId>,
    /// Recordings of the present measurement.
    pub recordings: BTreeMap<RecordingId, RecordingRecord>,
    /// What switchd said about itself since it was last looked at.
    pub health: Vec<Health>,
    /// Commands that were refused, in words.
    pub refused: Vec<String>,
}

impl Office {
    /// Connects, greets, and tells of two trunks, at the two addresses of the phones.
    pub fn open(socket: &Path, phones: [SocketAddr; 2]) -> Result<Office, Broken> {
        let stream = UnixStream::connect(socket).doing("connecting to switchd")?;
        let mut office = Office {
            stream,
            lines: Lines::default(),
            commands: 0,
            legs: 0,
            names: 0,
            pending: Vec::new(),
            known: BTreeMap::new(),
            fresh: Vec::new(),
            recordings: BTreeMap::new(),
            health: Vec::new(),
            refused: Vec::new(),
        };
        office.say(&ToSwitch::Hello { version: VERSION, epoch: Epoch(1) })?;
        let trunk = |id, name: &str, address: SocketAddr| Trunk {
            id,
            name: name.to_owned(),
            way: Way::Sip(SipWay {
                address: address.to_string(),
                sources: Vec::new(),
                register: false,
                user: String::new(),
                password: String::new(),
            }),
            numbers: vec!["1000".to_owned()],
            channels_max: LEGS_MAX as u16,
        };
        office.order(Command::Desired(Box::new(DesiredState {
            version: 1,
            realm: "bench".to_owned(),
            accounts: Vec::new(),
            trunks: vec![
                trunk(SEATS, "seats", phones[0]),
                trunk(CUSTOMERS, "customers", phones[1]),
            ],
            spans: Vec::new(),
            fallback: Fallback::default(),
        })))?;
        office.listen_for(Duration::from_millis(300))?;
        office.admit()?;
        Ok(office)
    }

    /// Fails if a command was refused since the last look.
    pub fn admit(&mut self) -> Result<(), Broken> {
        match std::mem::take(&mut self.refused).first() {
            Some(why) => Err(Broken::Switch(format!("refuses: {why}"))),
            None => Ok(()),
        }
    }

    /// Forgets legs and recordings: another measurement begins.
    pub fn forget(&mut self) {
        self.known.clear();
        self.fresh.clear();
        self.recordings.clear();
        self.refused.clear();
    }

    // ---- orders

    /// Calls `number` over `trunk`.
    pub fn originate(
        &mut self,
        trunk: TrunkId,
        number: String,
        on_answer: OnAnswer,
    ) -> Result<LegId, Broken> {
        self.legs += 1;
        let leg = LegId::new(call::id::LegOrigin::Center, Epoch(1), self.legs as u32);
        let to = Destination::Trunk { trunk, number, caller_id: None };
        let tag = LegTag(self.legs);
        self.known.insert(leg, Known { asked: Instant::now(), answered: None, record: None });
        self.order(Command::Originate { leg, tag, to, ring_timeout_ms: RING_MS, on_answer })?;
        Ok(leg)
    }

    /// Offers a seat. Its name.
    pub fn offer(&mut self, seat: LegId) -> Result<OfferId, Broken> {
        self.names += 1;
        let offer = OfferId(self.names);
        self.order(Command::Offer { offer, seat })?;
        Ok(offer)
    }

    /// Calls `number` as a customer who is joined with the seat of `offer` on answer.
    pub fn originate_joined(
        &mut self,
        number: String,
        offer: OfferId,
        recorded: bool,
    ) -> Result<LegId, Broken> {
        self.names += 1;
        let record = recorded.then_some(RecordingId(self.names));
        let no_seat = NoSeat { prompt: None, cause: Cause::Abandoned };
        let seats = vec![offer];
        let plan =
            AnswerPlan { seats, deadline_ms: 2_000, no_seat, record, beep: false, talk_max_ms: 0 };
        self.originate(CUSTOMERS, number, OnAnswer::Plan(plan))
    }

    /// Hangs a leg up.
    pub fn hang_up(&mut self, leg: LegId) -> Result<(), Broken> {
        self.order(Command::HangUp { leg, cause: Cause::NormalClearing })
    }

    fn order(&mut self, command: Command) -> Result<(), Broken> {
        self.commands += 1;
        let n = self.commands;
        self.say(&ToSwitch::Command { n, command })
    }

    /// Puts a line behind those that wait; they go out with the next [`Office::listen_for`].
    fn say(&mut self, message: &ToSwitch) -> Result<(), Broken> {
        self.pending.extend(frame::emit(message)?);
        Ok(())
    }

    fn send(&mut self) -> Result<(), Broken> {
        let lines = std::mem::take(&mut self.pending);
        self.stream.write_all(&lines).doing("writing to switchd")
    }

    // ---- events

    /// Sends what waits, and takes what switchd says for so long.
    pub fn listen_for(&mut self, time: Duration) -> Result<(), Broken> {
        let until = Instant::now() + time;
        self.send()?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.listen_once(left)?;
        }
    }

    /// Listens until `enough` is true of what is known, at most for `time`. Whether it is.
    pub fn listen_until(
        &mut self,
        time: Duration,
        enough: impl Fn(&Office) -> bool,
    ) -> Result<bool, Broken> {
        let until = Instant::now() + time;
        self.send()?;
        while !enough(self) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.listen_once(left)?;
        }
        Ok(true)
    }

    /// Waits for one piece of the stream, and acknowledges what was in it.
    fn listen_once(&mut self, left: Duration) -> Result<(), Broken> {
        // Zero would mean for ever.
        let wait = left.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(wait)).doing("setting a time-out")?;
        let mut bytes = [0; READ_BYTES];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Err(Broken::Switch("closed the link".to_owned())),
            Ok(count) => self.lines.push(bytes.get(..count).unwrap_or_default()),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(());
            }
            Err(e) => return Err(e).doing("reading from switchd"),
        }
        let mut last = None;
        while let Some(message) = self.lines.next_message::<ToCenter>()? {
            match message {
                ToCenter::Hello { .. } | ToCenter::Snapshot(_) | ToCenter::Done { .. } => {}
                ToCenter::Refused { n, refusal } => {
                    self.refused.push(format!("command {n}: {refusal}"));
                }
                ToCenter::Event { seq, event, .. } => {
                    last = Some(seq);
                    self.note(event);
                }
            }
        }
        if let Some(seq) = last {
            self.say(&ToSwitch::Ack { seq })?;
            self.send()?;
        }
        Ok(())
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Leg(record) => {
                let Some(known) = self.known.get_mut(&record.leg) else { return };
                if record.answered.is_some() && known.answered.is_none() {
                    known.answered = Some(Instant::now());
                    self.fresh.push(record.leg);
                }
                known.record = Some(*record);
            }
            Event::Recording(record) => {
                self.recordings.insert(record.recording, *record);
            }
            Event::Health(health) => self.health.push(health),
            Event::Incoming(_)
            | Event::Digit { .. }
            | Event::Collected { .. }
            | Event::Played { .. }
            | Event::OfferEnded { .. }
            | Event::Registration { .. }
            | Event::Trunk { .. }
            | Event::Span(_)
            | Event::Trace { .. }
            | Event::LoopTested { .. }
            | Event::Alarm { .. } => {}
        }
    }

    /// How many of the known legs are so.
    pub fn count(&self, so: impl Fn(&Known) -> bool) -> usize {
        self.known.values().filter(|known| so(known)).count()
    }

    /// Recordings that are sealed, and the sound that all of them lack, ms.
    pub fn sealed(&self) -> (usize, u64) {
        let sealed = |r: &&RecordingRecord| r.state == RecordingState::Sealed;
        let gap_ms = self.recordings.values().map(|r| r.gap_ms).sum();
        (self.recordings.values().filter(sealed).count(), gap_ms)
    }
}
