//! Where the threads of switchd meet: what the reactor, the sound thread and the disk thread hand
//! each other. Types and rings only; nothing here decides anything.
//!
//! ```text
//!                 SoundOrder (ring)                    Recorded (ring)
//!   ┌─────────┐ ───────────────────► ┌───────────────┐ ───────────────► ┌─────────────┐
//!   │ reactor │     SoundReport      │ sound thread  │   20 ms blocks   │ disk thread │
//!   │ (tokio) │ ◄─────────────────── │ (media core,  │                  │ (seals,     │
//!   └─────────┘ (ring + doorbell)    │  RTP sockets) │                  │  writes)    │
//!      │   ▲                         └───────────────┘                  └─────────────┘
//!      │   └───────────── DiskReport (bounded mpsc + doorbell) ────────────┘   ▲
//!      └───────────────── DiskOrder (bounded mpsc) ────────────────────────────┘
//! ```
//!
//! A recording's life: the reactor sends [`DiskOrder::Start`], then `StartRecorder` to the sound
//! thread; blocks flow. To end it the reactor sends `StopRecorder`; the sound thread puts
//! [`Recorded::Ended`] behind the last block, so that the disk thread knows that it has all; it
//! seals the file and says [`DiskReport::Recording`] with `Sealed`. Only then does the reactor use
//! that recorder again, so that blocks of two recordings can never be taken for one another.
//!
//! Who may wait: the disk thread. The sound thread never waits for anybody (a full ring is counted),
//! the reactor never waits for the sound or the disk thread.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use heapless::spsc::{Consumer, Producer, Queue};
use link::RecordingRecord;
use media::{Block, Command, Fact, LoopVerdict, PortId, RecorderId, Refusal};

use crate::limits::{RECORDED_MAX, SOUND_ORDERS_MAX, SOUND_REPORTS_MAX};

/// What the reactor asks of the sound thread. Applied in order, before the next tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SoundOrder {
    /// For the sound core.
    Media(Command),
    /// Where the packets of a port go: the address in the far end's SDP. From the first packet that
    /// the sound core takes as this port's, the thread sends to where that came from instead
    /// (symmetric RTP), until the next order. `None` (the port closes, or the far end gave no
    /// address): nothing is sent.
    Remote {
        /// Which port.
        port: PortId,
        /// IP address and UDP port.
        address: Option<SocketAddr>,
    },
    /// The channel whose octets are a bearer port's sound. The last order holds: a port that had the
    /// channel before is taken off it. Closing the port takes it off too.
    Bearer {
        /// Which port.
        port: PortId,
        /// Place of the span in the model (from 0) and time slot; `None`: apart.
        channel: Option<(u8, u8)>,
    },
    /// Try whether a loop is closed on an idle channel: a known pattern goes out for a moment, and
    /// [`SoundReport::LoopTest`] says a good second later what came back. One test at a time.
    LoopTest {
        /// Place of the span in the model, from 0.
        span: u8,
        /// Time slot.
        slot: u8,
    },
    /// Leave the loop. Recorders that still run are ended first.
    Stop,
}

/// What the sound thread tells the reactor. A full ring drops reports and counts them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SoundReport {
    /// The sound core said so in tick `tick`.
    Fact {
        /// Counts the ticks since the start.
        tick: u64,
        /// What.
        fact: Fact,
    },
    /// The sound core refused a command: the two sides count differently, which is a fault of ours.
    Refused(Refusal),
    /// Once a second: how late the ticks began since the last such report, microseconds.
    Lateness {
        /// Median, 99th percentile, worst.
        late_us: [u32; 3],
        /// Packets of sound that came too late or not at all, since the start.
        lost_packets: u64,
        /// Reports and blocks that found their ring full, since the start.
        dropped: u64,
    },
    /// Another clock beats the tick now.
    Master {
        /// Place of the span in the model, from 0; `None`: the timer.
        span: Option<u8>,
    },
    /// What a span's clock did beside the tick; at most once a second, and only if something
    /// happened.
    Span {
        /// Place of the span in the model, from 0.
        span: u8,
        /// Counts since the start.
        sound: SpanSound,
    },
    /// The answer to [`SoundOrder::LoopTest`].
    LoopTest {
        /// Place of the span in the model, from 0.
        span: u8,
        /// Time slot.
        slot: u8,
        /// What was found; `None`: the channel was not free, its span does not beat, another test
        /// ran, or a call took the channel meanwhile.
        verdict: Option<LoopVerdict>,
    },
}

/// A span beside the tick, in blocks of 20 ms since the start. Where the span is master of the tick,
/// or has the master's clock, nothing of this happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanSound {
    /// Ticks in which it should have brought sound and did not: sound was made up.
    pub underruns: u64,
    /// Moments beyond one a tick: the sound core takes them in by leaving out a little.
    pub more: u64,
    /// Blocks that its driver would not take from us.
    pub slips: u64,
}

/// What the sound thread hands to the disk thread.
// Blocks are almost all of the traffic, and a ring holds its items by value.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Recorded {
    /// 20 ms of a recording.
    Block(Block),
    /// The recorder was stopped: no block of this recording follows.
    Ended(RecorderId),
}

/// What the reactor asks of the disk thread.
#[derive(Clone, Debug, PartialEq)]
pub enum DiskOrder {
    /// From now on blocks of `recorder` belong to this recording. `record.path` says where the file
    /// goes, below the folder of recordings; folders are made. The sidecar is the record as JSON.
    Start {
        /// Which recorder of the sound core.
        recorder: RecorderId,
        /// What is known of it; state `Growing`.
        record: RecordingRecord,
    },
    /// This recording ran when an earlier switchd died: measure what is on disk, write its sidecar
    /// (`Cut`; `Sealed` if the footer is there after all) and report it.
    Mend {
        /// As it was last known.
        record: RecordingRecord,
    },
    /// Seal all that runs, report it, and leave the loop.
    Stop,
}

/// What the disk thread tells the reactor.
#[derive(Clone, Debug, PartialEq)]
pub enum DiskReport {
    /// A recording changed: it was sealed, cut or stopped (its recorder is free then), or it grew
    /// (told at most each five seconds).
    Recording {
        /// Which recorder it had; `None` when it was only mended.
        recorder: Option<RecorderId>,
        /// The whole record.
        record: RecordingRecord,
    },
    /// Recording had to stop because the disk is full or fails, or is possible again.
    Disk {
        /// Whether the alarm stands.
        raised: bool,
        /// What it is and what to do, for a person.
        text: String,
    },
}

/// Width of one step of the lateness histogram, microseconds.
const LATE_STEP_US: u32 = 20;
/// Steps of the lateness histogram: one tick; what is later falls into the last.
const LATE_STEPS: usize = 1_000;

/// Counters of the sound thread that anybody may read at any time: the watchdog's proof that sound
/// is alive.
#[derive(Debug)]
pub struct SoundPulse {
    /// Ticks so far.
    pub ticks: AtomicU64,
    /// Ticks that were missed: one for each whole tick by which one began late.
    pub overruns: AtomicU64,
    /// How many ticks began how late, in steps of 20 µs.
    late: [AtomicU32; LATE_STEPS],
}

impl Default for SoundPulse {
    fn default() -> SoundPulse {
        SoundPulse {
            ticks: AtomicU64::new(0),
            overruns: AtomicU64::new(0),
            late: [const { AtomicU32::new(0) }; LATE_STEPS],
        }
    }
}

impl SoundPulse {
    /// One tick began so late.
    pub fn note_lateness(&self, late_us: u32) {
        let step = (late_us / LATE_STEP_US) as usize;
        if let Some(count) = self.late.get(step.min(LATE_STEPS - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How late the tick was that is later than `part` (0 to 1) of all ticks so far, microseconds,
    /// rounded up to a step; the last step stands for "a tick or more".
    #[must_use]
    pub fn lateness_us(&self, part: f64) -> u32 {
        let counts = || self.late.iter().map(|count| u64::from(count.load(Ordering::Relaxed)));
        let wanted = (counts().sum::<u64>() as f64 * part).ceil() as u64;
        let mut seen = 0;
        let step = counts().position(|count| {
            seen += count;
            seen >= wanted
        });
        (step.unwrap_or(LATE_STEPS - 1) as u32 + 1) * LATE_STEP_US
    }

    /// Ticks so far.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// Ticks that began more than one tick late.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }
}

/// Wakes the reactor. Rung once a tick at most by the sound thread (if it has put a report into the
/// ring), and by the disk thread after each report. Never blocks: a bell that rings already is
/// rung enough.
#[derive(Debug)]
pub struct Doorbell(UnixDatagram);

impl Doorbell {
    /// A bell and the end at which it is heard: a non-blocking socket to be drained.
    ///
    /// # Errors
    /// What the system said.
    pub fn pair() -> io::Result<(Doorbell, UnixDatagram)> {
        let (rope, heard) = UnixDatagram::pair()?;
        rope.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok((Doorbell(rope), heard))
    }

    /// A second rope to the same bell.
    ///
    /// # Errors
    /// What the system said.
    pub fn another(&self) -> io::Result<Doorbell> {
        self.0.try_clone().map(Doorbell)
    }

    /// Rings.
    pub fn ring(&self) {
        // Full means that it rings already; any other failure means that the reactor is gone.
        let _ = self.0.send(&[1]);
    }
}

/// The reactor's ends of the rings.
pub struct ReactorEnds {
    /// To the sound thread.
    pub orders: Producer<'static, SoundOrder>,
    /// From the sound thread.
    pub reports: Consumer<'static, SoundReport>,
}

/// The sound thread's ends of the rings.
pub struct SoundEnds {
    /// From the reactor.
    pub orders: Consumer<'static, SoundOrder>,
    /// To the reactor.
    pub reports: Producer<'static, SoundReport>,
    /// To the disk thread.
    pub recorded: Producer<'static, Recorded>,
}

/// The disk thread's end of its ring.
pub struct DiskEnds {
    /// From the sound thread.
    pub recorded: Consumer<'static, Recorded>,
}

/// Makes the three rings. Their memory is never freed: they live as long as the process.
///
/// # Errors
/// The system gave no memory or no thread.
pub fn rings() -> io::Result<(ReactorEnds, SoundEnds, DiskEnds)> {
    let (orders_in, orders_out) = leaked::<SoundOrder, SOUND_ORDERS_MAX>()?.split();
    let (reports_in, reports_out) = leaked::<SoundReport, SOUND_REPORTS_MAX>()?.split();
    let (recorded_in, recorded_out) = leaked::<Recorded, RECORDED_MAX>()?.split();
    Ok((
        ReactorEnds { orders: orders_in, reports: reports_out },
        SoundEnds { orders: orders_out, reports: reports_in, recorded: recorded_in },
        DiskEnds { recorded: recorded_out },
    ))
}

/// A queue on the heap, never freed. It may pass over the stack on its way there and is larger than
/// the main thread's, hence the thread.
fn leaked<T: Send + 'static, const N: usize>() -> io::Result<&'static mut Queue<T, N>> {
    thread::Builder::new()
        .stack_size(4 * size_of::<Queue<T, N>>() + (1 << 20))
        .spawn(|| Box::leak(Box::new(Queue::new())))?
        .join()
        .map_err(|_| io::Error::other("the thread that makes a ring died"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_a_ring_comes_out_at_its_other_end() {
        let (mut reactor, mut sound, mut disk) = rings().unwrap();
        assert!(reactor.orders.enqueue(SoundOrder::Stop).is_ok());
        assert_eq!(sound.orders.dequeue(), Some(SoundOrder::Stop));
        assert!(sound.recorded.enqueue(Recorded::Ended(RecorderId(7))).is_ok());
        assert_eq!(disk.recorded.dequeue(), Some(Recorded::Ended(RecorderId(7))));
        assert_eq!(reactor.reports.dequeue(), None);
    }

    #[test]
    fn a_bell_may_be_rung_without_end_and_is_heard() {
        let (bell, heard) = Doorbell::pair().unwrap();
        for _ in 0..10_000 {
            bell.ring();
        }
        assert_eq!(heard.recv(&mut [0; 8]).unwrap(), 1);
    }
}
