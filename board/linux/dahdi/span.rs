//! The upkeep of a card's span: configuring, alarms, counters, loops, echo cancellers.

use std::io;
use std::sync::Arc;

use board_port::{Alarms, Counters, EchoPlace, Loop, Slots, Span, SpanStatus};
use nix::errno::Errno;

use super::abi::{self, SpanStat};
use super::bearers::Channels;
use super::device::Control;
use super::{LineCode, Settings};
use crate::tally::Tally;

/// The slot of the D-channel.
pub const D_SLOT: u8 = 16;

/// A span in the kernel: its number and where its channels begin.
pub struct Place {
    /// The control device.
    pub control: Control,
    /// What was wished.
    pub settings: Settings,
    /// The channel in time slot 1.
    pub first: i32,
}

impl Place {
    /// The kernel's number of the channel in a slot.
    pub fn channel(&self, slot: u8) -> i32 {
        self.first + i32::from(slot) - 1
    }

    fn number(&self) -> i32 {
        i32::from(self.settings.span)
    }

    /// Says what the line and each channel is, and starts the span: what `dahdi_cfg` does from
    /// its file.
    pub fn configure(&self) -> io::Result<()> {
        let code = match self.settings.line {
            LineCode::Hdb3 => abi::CONFIG_HDB3,
            LineCode::Ami => abi::CONFIG_AMI,
        };
        let crc4 = if self.settings.crc4 { abi::CONFIG_CRC4 } else { 0 };
        let line = abi::CONFIG_CCS | code | crc4;
        self.control.configure_span(self.number(), line, i32::from(self.settings.timing))?;
        for slot in self.settings.bearers().iter() {
            self.control.configure_channel(self.channel(slot), abi::SIG_CLEAR)?;
        }
        self.control.configure_channel(self.channel(D_SLOT), abi::SIG_HDLCFCS)?;
        self.control.start(self.number())
    }
}

/// One span of a card.
pub struct DahdiSpan {
    place: Place,
    channels: Arc<Channels>,
    line: LineCounters,
    tally: Arc<Tally>,
}

impl DahdiSpan {
    /// The upkeep of a configured span whose channels are open.
    pub fn new(place: Place, channels: Arc<Channels>, tally: Arc<Tally>) -> io::Result<DahdiSpan> {
        let mut line = LineCounters::default();
        line.begin(&place.control.status(place.number())?);
        Ok(DahdiSpan { place, channels, line, tally })
    }

    /// Makes the B-channels carry sound, which configuring them ends.
    fn carry_sound(&self) -> io::Result<()> {
        self.channels.iter().flatten().try_for_each(|channel| channel.carry_sound())
    }
}

impl Span for DahdiSpan {
    fn status(&mut self) -> io::Result<SpanStatus> {
        let about = self.place.control.status(self.place.number())?;
        let running = self.tally.running();
        let counters = self.line.counted(&about, self.tally.counters());
        Ok(SpanStatus {
            alarms: alarms(about.alarms, running),
            counters,
            sound: self.tally.sound(),
        })
    }

    fn set_loop(&mut self, wanted: Loop) -> io::Result<()> {
        let command = match wanted {
            Loop::Off => abi::MAINT_NONE,
            Loop::Local => abi::MAINT_LOCALLOOP,
            Loop::Remote => abi::MAINT_NETWORKLINELOOP,
        };
        // ENOSYS, which std calls `Unsupported`: this card has no loops.
        self.place.control.maintain(self.place.number(), command)
    }

    fn set_running(&mut self, on: bool) -> io::Result<()> {
        if on {
            self.place.configure()?;
            self.carry_sound()?;
        } else {
            self.place.control.stop(self.place.number())?;
        }
        self.tally.set_running(on);
        Ok(())
    }

    fn set_echo(&mut self, slot: u8, on: bool) -> io::Result<EchoPlace> {
        let channel = self.channels.get(usize::from(slot)).and_then(Option::as_ref);
        let (Some(channel), true) = (channel, self.place.settings.echo) else {
            return Ok(if on { EchoPlace::Ours } else { EchoPlace::Nobody });
        };
        if !on {
            channel.cancel_echo(false)?;
            return Ok(EchoPlace::Nobody);
        }
        let attached = self.place.control.attach_canceller(self.place.channel(slot));
        match attached.and_then(|()| channel.cancel_echo(true)) {
            Ok(()) => Ok(EchoPlace::Card),
            Err(error) if has_no_canceller(&error) => Ok(EchoPlace::Ours),
            Err(error) => Err(error),
        }
    }
}

/// The kernel says so in two ways: the card's driver knows the name and not this channel, or it
/// does not know the name at all, which is seen only when it is switched on.
fn has_no_canceller(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::EINVAL | Errno::ENODEV))
}

impl Drop for DahdiSpan {
    /// The far end shall see that nobody is here, rather than a line that nobody answers.
    fn drop(&mut self) {
        let _refused = self.place.control.stop(self.place.number());
    }
}

fn alarms(bits: i32, running: bool) -> Alarms {
    let has = |bit: i32| bits & bit != 0;
    Alarms {
        red: has(abi::ALARM_RED),
        yellow: has(abi::ALARM_YELLOW),
        blue: has(abi::ALARM_BLUE),
        recovering: has(abi::ALARM_RECOVER),
        loopback: has(abi::ALARM_LOOPBACK),
        not_open: has(abi::ALARM_NOTOPEN) || !running,
    }
}

/// One counter of the card, which it may set back at any time.
#[derive(Default)]
struct Counter {
    last: u32,
    total: u64,
}

impl Counter {
    fn now(&mut self, count: u32) -> u64 {
        let more = count.checked_sub(self.last).unwrap_or(count);
        self.last = count;
        self.total += u64::from(more);
        self.total
    }
}

/// The card's own counters since the span was opened.
#[derive(Default)]
struct LineCounters {
    bipolar_violations: Counter,
    crc4_errors: Counter,
    e_bits: Counter,
    frame_alignment: Counter,
}

impl LineCounters {
    /// Leaves out what was counted before.
    fn begin(&mut self, about: &SpanStat) {
        self.counted(about, Counters::default());
        let all = [
            &mut self.bipolar_violations,
            &mut self.crc4_errors,
            &mut self.e_bits,
            &mut self.frame_alignment,
        ];
        all.into_iter().for_each(|counter| counter.total = 0);
    }

    /// The card's counters beside ours. Older cards count bipolar violations and frame alignment,
    /// newer ones code violations and framing errors instead; none counts both.
    fn counted(&mut self, about: &SpanStat, ours: Counters) -> Counters {
        let bipolar = about.cvcount.wrapping_add_signed(about.bpvcount);
        let alignment = about.fecount.wrapping_add_signed(about.fascount);
        Counters {
            bipolar_violations: self.bipolar_violations.now(bipolar),
            crc4_errors: self.crc4_errors.now(about.crc4count.cast_unsigned()),
            e_bits: self.e_bits.now(about.ebitcount.cast_unsigned()),
            frame_alignment: self.frame_alignment.now(alignment),
            ..ours
        }
    }
}

impl Settings {
    /// The slots that carry speech.
    pub fn bearers(&self) -> Slots {
        let mut slots = self.channels;
        slots.remove(0);
        slots.remove(D_SLOT);
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alarm_of_the_kernel_has_its_name() {
        assert!(alarms(0, true).clear());
        assert!(alarms(0, false).not_open);
        assert!(alarms(abi::ALARM_RED, true).red && alarms(abi::ALARM_YELLOW, true).yellow);
        assert!(alarms(abi::ALARM_BLUE, true).blue && alarms(abi::ALARM_RECOVER, true).recovering);
        assert!(alarms(abi::ALARM_LOOPBACK, true).loopback);
        assert!(alarms(abi::ALARM_NOTOPEN, true).not_open);
        // The kinds of red (no signal, no framing) in the upper octet are no alarm by themselves.
        assert!(alarms(1 << 8 | 1 << 9, true).clear());
    }

    #[test]
    fn counters_begin_at_nothing_and_survive_being_set_back() {
        let mut line = LineCounters::default();
        let mut about = SpanStat::of(1);
        (about.cvcount, about.fascount, about.crc4count, about.ebitcount) = (7, 3, 2, 1);
        line.begin(&about);
        assert_eq!(line.counted(&about, Counters::default()), Counters::default());
        (about.cvcount, about.fascount, about.crc4count, about.ebitcount) = (9, 6, 6, 6);
        let counted = line.counted(&about, Counters { slips: 4, ..Counters::default() });
        assert_eq!((counted.bipolar_violations, counted.frame_alignment), (2, 3));
        assert_eq!((counted.crc4_errors, counted.e_bits, counted.slips), (4, 5, 4));
        // Somebody set the card's counters back.
        about.cvcount = 1;
        assert_eq!(line.counted(&about, Counters::default()).bipolar_violations, 3);
    }

    #[test]
    fn framing_and_signalling_carry_no_speech() {
        let every = Settings { channels: Slots::from_bits(u32::MAX), ..Settings::of(1) };
        assert_eq!(every.bearers(), Slots::BEARERS);
    }
}
