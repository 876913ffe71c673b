//! E1 spans: what centerd wishes of one, and all that switchd knows of it.

use call::{LegId, SpanId, Stamp};
use serde::{Deserialize, Serialize};

/// One span, as the console configures it. What the hardware is stands in the model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Which of the model's spans.
    pub id: SpanId,
    /// Shown in logs.
    pub name: String,
    /// Which side of Q.921 and Q.931 we play.
    pub role: SpanRole,
    /// Take and give numbers digit by digit (Q.931 §5.1.3, §5.2.4).
    pub overlap: bool,
    /// How many digits of a called number the exchange sends, as a rule the last ones; 0: all.
    pub did_digits: u8,
    /// Time slots taken out of service by a person; calls on them end as they end.
    pub blocked: Vec<u8>,
}

/// The side of a D-channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanRole {
    /// The subscriber's side: the far end is the public exchange.
    User,
    /// The exchange's side: a private exchange hangs behind us.
    Network,
}

/// Which free channel of a trunk an outgoing call takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hunt {
    /// The first, from the first group upwards.
    Ascending,
    /// The last, from the last group downwards: as far as can be from an exchange that goes upwards.
    #[default]
    Descending,
    /// The one that carried the fewest calls.
    LeastUsed,
}

/// One time slot of one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Channel {
    /// Which span.
    pub span: SpanId,
    /// Its time slot: 1 to 31 without 16.
    pub slot: u8,
}

/// All that is known of a span, sent whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanRecord {
    /// Which.
    pub span: SpanId,
    /// What it is plugged into, as the model says: `dahdi 1`, `run/span1`.
    pub device: String,
    /// Alarms of layer 1 that stand; none: the span is in order.
    pub alarms: Vec<SpanAlarm>,
    /// The state of the D-channel's data link.
    pub link: SpanLink,
    /// Since when alarms and data link are as they are.
    pub since: Stamp,
    /// Every channel, by time slot.
    pub channels: Vec<ChannelRecord>,
    /// Counted since the start of switchd.
    pub counters: SpanCounters,
}

/// An alarm of layer 1 (ITU-T G.732, G.775), or what stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanAlarm {
    /// The device of the model is not there or could not be opened.
    NotOpen,
    /// Red: no signal or no frame comes in. Nobody is attached.
    Red,
    /// Yellow (RAI): the far end does not hear us.
    Yellow,
    /// Blue (AIS): all ones come in; a device between us and the exchange has lost it.
    Blue,
    /// The signal is back and is being watched.
    Recovering,
    /// A loop is closed.
    Loopback,
}

/// The data link of a D-channel (Q.921).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanLink {
    /// Layer 1 is down, or the span is not configured.
    Down,
    /// It is being established.
    Establishing,
    /// It carries messages.
    Up,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRecord {
    /// Its time slot.
    pub slot: u8,
    /// What it does.
    pub state: ChannelState,
    /// The leg that lives on it.
    pub leg: Option<LegId>,
}

/// What a channel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// Free.
    Idle,
    /// A call on it is not answered yet.
    Ringing,
    /// A call on it is answered.
    Talking,
    /// RESTART was sent and is not acknowledged (Q.931 §5.5).
    Restarting,
    /// A person has taken it out of service.
    Blocked,
    /// The far end has taken it out of service, or never acknowledged a RESTART.
    OutOfService,
}

/// What was counted on a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanCounters {
    /// Frames of sound repeated or left out because two clocks differ.
    pub slips: u64,
    /// Bipolar violations.
    pub bipolar_violations: u64,
    /// CRC-4 errors.
    pub crc4_errors: u64,
    /// Errors that the far end saw in our CRC-4 (E bits).
    pub far_crc4_errors: u64,
    /// Errors in the frame alignment signal.
    pub frame_errors: u64,
    /// Blocks of sound that did not come in time.
    pub missed_blocks: u64,
    /// D-channel frames received and sent.
    pub frames: [u64; 2],
    /// D-channel frames sent again.
    pub retransmitted: u64,
    /// D-channel frames thrown away: wrong FCS, aborted, malformed, not for us, or against the rules.
    pub bad_frames: u64,
    /// Calls that came and calls that went out.
    pub calls: [u64; 2],
}

/// One line of a D-channel's trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine {
    /// When.
    pub at: Stamp,
    /// Sent by us.
    pub sent: bool,
    /// What it says, for a person; numbers are masked but for their last four digits.
    pub text: String,
}

/// What a loop test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "loop", rename_all = "snake_case")]
pub enum LoopResult {
    /// Our own sound came back.
    Closed {
        /// Octets that came back changed, of a thousand.
        errors_per_mille: u16,
        /// From sending to hearing, ms.
        delay_ms: u16,
    },
    /// Nothing of it came back.
    Open,
    /// The channel carries a call, or the span is down.
    NotNow,
}

/// The time slot of the D-channel (ITU-T G.704 §5.2).
pub const D_SLOT: u8 = 16;

/// The bearer slots that a text like `1-15,17-31` names, ascending; `None` if it is no such text or
/// names slot 0, 16 or one above 31.
#[must_use]
pub fn slots(text: &str) -> Option<Vec<u8>> {
    let mut slots: Vec<u8> = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u8, u8) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let above = slots.last().copied().unwrap_or(0);
        if first <= above || last < first || last > 31 || (first..=last).contains(&D_SLOT) {
            return None;
        }
        slots.extend(first..=last);
    }
    Some(slots)
}

/// All thirty bearer slots.
#[must_use]
pub fn all_slots() -> Vec<u8> {
    (1..=31).filter(|&slot| slot != D_SLOT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read_in_order_and_never_the_d_channel() {
        assert_eq!(slots("1-3, 17").unwrap(), [1, 2, 3, 17]);
        assert_eq!(slots("1-15,17-31").unwrap(), all_slots());
        for wrong in ["", "0-3", "3-1", "15-17", "16", "1,1", "5,2", "30-32", "x"] {
            assert_eq!(slots(wrong), None, "{wrong}");
        }
    }
}
