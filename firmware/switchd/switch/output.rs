//! Every effect that the switch can ask for.

use std::net::SocketAddr;

use call::{Epoch, LegId, SpanId};
use link::{DesiredState, ToCenter};

use crate::journal::Entry;
use crate::seam::{DiskOrder, SoundOrder};

/// What the switch asks of its shell. To be done in the order given: a journal entry that must be
/// written before a datagram comes before it.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this datagram from the SIP socket.
    Sip {
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Send this frame, without its check sequence, on the D-channel of a span.
    Frame {
        /// Which span.
        span: SpanId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Say this to centerd.
    Link(ToCenter),
    /// Order this of the sound thread.
    Sound(SoundOrder),
    /// Write this into the journal.
    Journal(Entry),
    /// Order this of the disk thread.
    Disk(DiskOrder),
    /// Keep this desired state for the next start.
    KeepDesired(Box<DesiredState>),
    /// Close the connection to centerd.
    CloseLink(Parting),
    /// For the trace.
    Note(Note),
}

/// Why the switch closes its connection to centerd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Parting {
    /// It speaks another version of the conversation.
    #[error("centerd speaks link version {theirs}, switchd {ours}: update both together")]
    Version {
        /// Ours.
        ours: u32,
        /// Theirs.
        theirs: u32,
    },
    /// It is older than one that was here before.
    #[error("a centerd of epoch {theirs:?} came after one of epoch {newest:?}; it is fenced off")]
    Fenced {
        /// Whose connection is refused.
        theirs: Epoch,
        /// The newest that was here.
        newest: Epoch,
    },
    /// It sent something before its greeting.
    #[error("the first line was not a greeting")]
    NoGreeting,
    /// It reads too slowly; it begins again with a snapshot.
    #[error("centerd is too slow: its queue is full; it gets a snapshot when it is back")]
    QueueFull,
}

/// One line for the trace: typed here, worded by the shell. No number or name of a person is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// centerd has greeted.
    CenterUp {
        /// Its epoch.
        epoch: Epoch,
    },
    /// centerd is gone.
    CenterLost,
    /// An earlier switchd left this many legs up; each gets its BYE.
    Recovered {
        /// How many.
        legs: usize,
        /// How many contacts of phones were restored.
        contacts: usize,
    },
    /// The far end's sound description could not be used.
    SoundRefused {
        /// Which leg.
        leg: LegId,
        /// Why.
        why: signal::sip::sdp::SdpError,
    },
    /// A call came in and was refused at once.
    Refused {
        /// Why.
        why: Turned,
    },
    /// The desired state was applied.
    Desired {
        /// Its version.
        version: u64,
    },
    /// The sound core refused a command.
    SoundFault(media::Refusal),
    /// Another clock beats the sound: this span, or the timer.
    Beat(Option<SpanId>),
    /// A span's clock is not the one that beats the sound.
    SpanSound {
        /// Which span.
        span: SpanId,
        /// What came of it since the start.
        sound: crate::seam::SpanSound,
    },
}

/// Why an incoming call was refused before centerd heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// No leg or port is free.
    Full,
    /// The phone or trunk has as many calls as it may.
    LineFull,
    /// No sound that we could understand.
    NoSound,
    /// No trunk owns the number or the channel.
    NotOurs,
    /// The box is stopping.
    Stopping,
}
