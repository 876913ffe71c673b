//! An E1 card over the kernel's DAHDI interface.
//!
//! The kernel module of the card gives a span a number and each of its time slots a channel. This
//! driver says what they carry (common channel signalling, HDB3, CRC-4, slot 16 as HDLC with FCS,
//! the others as clear octets of A-law), starts the span and opens the channels: no file of
//! configuration and no other program is needed. Channels are opened by number through one device
//! file, so that it works without udev too.
//!
//! DAHDI stands for the cards of Digium, OpenVox, Sangoma (in its DAHDI mode), Allo and others.

mod abi;
mod bearers;
mod device;
mod frames;
mod span;
mod sysfs;

use std::io;
use std::sync::Arc;

use board_port::{BLOCK, Slots};

use crate::limits::{BLOCK_BUFFERS, FRAME_BUFFERS, FRAME_OCTETS};
use crate::parts::{OpenError, Parts};
use crate::tally::Tally;
use bearers::{Channels, DahdiBearers};
use device::{Channel, Control};
use frames::Frames;
use span::{D_SLOT, DahdiSpan, Place};

/// Channels of a span that is an E1.
const E1_CHANNELS: i32 = 31;

/// How the line is coded (ITU-T G.703).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineCode {
    /// HDB3: the usual one.
    Hdb3,
    /// AMI.
    Ami,
}

/// What one span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The kernel's number of the span, from 1.
    pub span: u16,
    /// Line code.
    pub line: LineCode,
    /// Whether the CRC-4 multiframe is used (ITU-T G.704 §2.3.3).
    pub crc4: bool,
    /// Rank as the source of the card's clock: 1 is asked first; 0: never, we give the clock.
    pub timing: u8,
    /// The slots that may carry speech; 0 and 16 are left out.
    pub channels: Slots,
    /// Whether the card's echo canceller is used where it has one.
    pub echo: bool,
}

impl Settings {
    /// The usual E1: HDB3, CRC-4, thirty channels, the exchange gives the clock.
    pub const fn of(span: u16) -> Settings {
        let line = LineCode::Hdb3;
        Settings { span, line, crc4: true, timing: 1, channels: Slots::BEARERS, echo: true }
    }
}

/// Configures and starts a span, and opens its channels.
///
/// # Errors
/// See [`OpenError`].
pub fn open(settings: Settings) -> Result<Parts, OpenError> {
    let span = settings.span;
    let refused =
        |step: &'static str| move |error: io::Error| OpenError::Card { span, step, error };
    let place = find(settings)?;
    leave_alone_if_used(&place)?;
    place.configure().map_err(refused("configure"))?;
    let mut channels: Channels = std::array::from_fn(|_| None);
    for (slot, entry) in (0..Slots::COUNT).zip(&mut channels) {
        if !settings.bearers().contains(slot) {
            continue;
        }
        let channel = Channel::open(place.channel(slot), BLOCK_BUFFERS, BLOCK as i32);
        let channel = channel.map_err(|error| busy(span, slot, error))?;
        channel.carry_sound().map_err(refused("carry sound on"))?;
        *entry = Some(channel);
    }
    let d_channel = Channel::open(place.channel(D_SLOT), FRAME_BUFFERS, FRAME_OCTETS as i32);
    let d_channel = d_channel.map_err(|error| busy(span, D_SLOT, error))?;
    // What was left from before us is not for us.
    d_channel.flush().map_err(refused("flush"))?;

    let (tally, channels) = (Arc::new(Tally::new()), Arc::new(channels));
    let frames = Frames::new(d_channel, tally.clone()).map_err(OpenError::Wait)?;
    let bearers = DahdiBearers::new(channels.clone(), tally.clone());
    let upkeep = DahdiSpan::new(place, channels, tally).map_err(refused("ask"))?;
    Ok(Parts { frames: Box::new(frames), bearers: Box::new(bearers), span: Box::new(upkeep) })
}

/// Looks for the span, giving the card's spans their numbers first where they have none.
fn find(settings: Settings) -> Result<Place, OpenError> {
    let span = settings.span;
    let control = Control::open().map_err(OpenError::NoDriver)?;
    let known = |error| OpenError::Card { span, step: "look for", error };
    if sysfs::first_channel(span).map_err(known)?.is_none() {
        sysfs::assign_spans().map_err(OpenError::NoDriver)?;
    }
    let first = sysfs::first_channel(span).map_err(known)?.ok_or(OpenError::NoSpan(span))?;
    let channels = control.status(i32::from(span)).map_err(known)?.totalchans;
    if channels != E1_CHANNELS {
        return Err(OpenError::NotE1 { span, channels });
    }
    Ok(Place { control, settings, first })
}

/// Configuring takes its sound from a span that somebody uses: looks whether its D-channel is held.
fn leave_alone_if_used(place: &Place) -> Result<(), OpenError> {
    match Channel::open(place.channel(D_SLOT), FRAME_BUFFERS, FRAME_OCTETS as i32) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            Err(busy(place.settings.span, D_SLOT, error))
        }
        // Free, or not configured yet, which every other answer is found to be in what follows.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn busy(span: u16, slot: u8, error: io::Error) -> OpenError {
    OpenError::Channel { span, slot, error }
}
