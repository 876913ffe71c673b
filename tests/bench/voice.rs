//! What the phones say and how they judge what they hear.
//!
//! Frame *k* of leg *l* is 160 equal G.711 bytes whose value counts: so every frame that reaches the
//! other ear tells its number and its speaker, whatever RTP sequence it arrives under, wherever the
//! switch has cut its blocks. A-law to linear and back is exact, so a frame that is neither lost nor
//! concealed nor mixed arrives as it was said.

use std::time::{Duration, Instant};

use crate::limits::PACKET_BYTES;

/// The codes of frames. Silence (0x55, 0xD5; 0x7F, 0xFF in µ-law) lies outside.
const FIRST: u8 = 130;
/// How many codes there are: 1.6 s of sound before one comes again.
pub const CODES: u64 = 80;
/// Where in a packet it is listened: four points of 16 bytes.
const POINTS: [usize; 4] = [12, 52, 92, 132];
const POINT_BYTES: usize = 16;
/// RTP's fixed header (RFC 3550 §5.1).
const HEADER: usize = 12;
/// Samples in a millisecond.
const SAMPLES_A_MS: f64 = 8.0;

/// The byte that leg `leg` says in its frame `k`. Legs of one call differ by half the circle.
pub fn code(leg: usize, k: u64) -> u8 {
    FIRST + ((k + offset(leg)) % CODES) as u8
}

fn offset(leg: usize) -> u64 {
    (leg as u64 * 7 + (leg as u64 % 2) * CODES / 2) % CODES
}

/// One leg's mouth: the packet it sends next.
pub struct Mouth {
    packet: [u8; PACKET_BYTES],
    leg: usize,
    sequence: u16,
}

impl Mouth {
    /// The mouth of leg `leg`, with an RTP stream of its own.
    pub fn new(leg: usize) -> Mouth {
        let mut packet = [0; PACKET_BYTES];
        packet[0] = 0x80;
        packet[1] = 8;
        packet[8..12].copy_from_slice(&(0x4c42_0000 + leg as u32).to_be_bytes());
        Mouth { packet, leg, sequence: 0 }
    }

    /// Frame `k` as a packet.
    pub fn say(&mut self, k: u64) -> &[u8] {
        self.packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        self.packet[4..8].copy_from_slice(&((k as u32).wrapping_mul(160)).to_be_bytes());
        self.packet[HEADER..].fill(code(self.leg, k));
        self.sequence = self.sequence.wrapping_add(1);
        &self.packet
    }
}

/// When the frames of the last circle were said.
pub struct Spoken {
    at: [Instant; CODES as usize],
    /// The next frame's number.
    pub next: u64,
}

impl Spoken {
    /// Nothing yet.
    pub fn new(now: Instant) -> Spoken {
        Spoken { at: [now; CODES as usize], next: 0 }
    }

    /// The next frame is said now.
    pub fn say(&mut self, now: Instant) -> u64 {
        let k = self.next;
        self.at[(k % CODES) as usize] = now;
        self.next += 1;
        k
    }

    /// How long ago `leg` said the frame with this code.
    fn age(&self, leg: usize, code: u8, now: Instant) -> Duration {
        let k = (u64::from(code - FIRST) + CODES - offset(leg)) % CODES;
        now.saturating_duration_since(self.at[k as usize])
    }
}

/// What one ear has heard since it was last emptied.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Heard {
    /// Packets.
    pub packets: u64,
    /// Packets that RTP sequence numbers tell are missing.
    pub packets_lost: u64,
    /// Frames of the other leg that were heard.
    pub frames: u64,
    /// Frames of the other leg that are missing between two that were heard.
    pub frames_lost: u64,
    /// Listening points at which there was something else: silence, concealment, a mixture.
    pub foreign: u64,
}

impl Heard {
    /// Both together.
    pub fn with(self, other: Heard) -> Heard {
        Heard {
            packets: self.packets + other.packets,
            packets_lost: self.packets_lost + other.packets_lost,
            frames: self.frames + other.frames,
            frames_lost: self.frames_lost + other.frames_lost,
            foreign: self.foreign + other.foreign,
        }
    }
}

/// One leg's ear.
#[derive(Default)]
pub struct Ear {
    /// What it has heard.
    pub heard: Heard,
    sequence: Option<u16>,
    last: Option<u8>,
}

impl Ear {
    /// Forgets all: another call begins.
    pub fn restart(&mut self) {
        *self = Ear::default();
    }

    /// A packet came in, at `now`, in which `other` should be heard. For its first new frame: how
    /// long after it was said it will sound, from the first sample's departure.
    pub fn hear(
        &mut self,
        packet: &[u8],
        other: usize,
        spoken: &Spoken,
        now: Instant,
    ) -> Option<Duration> {
        let sound = packet.get(HEADER..PACKET_BYTES)?;
        self.heard.packets += 1;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        if let Some(last) = self.sequence.replace(sequence) {
            let missing = sequence.wrapping_sub(last).wrapping_sub(1);
            // A step back is a packet that was overtaken.
            self.heard.packets_lost += u64::from(if missing < 1_000 { missing } else { 0 });
        }
        let mut delay = None;
        for point in POINTS {
            let Some(code) = pure(&sound[point..point + POINT_BYTES]) else {
                self.heard.foreign += 1;
                continue;
            };
            let step =
                self.last.map_or(1, |last| (u64::from(code) + CODES - u64::from(last)) % CODES);
            // A step of more than half the circle is a step back.
            if step == 0 || step > CODES / 2 {
                continue;
            }
            self.last = Some(code);
            self.heard.frames += 1;
            self.heard.frames_lost += step - 1;
            let later = (point - POINTS[0]) as f64 / SAMPLES_A_MS / 1_000.0;
            let age = spoken.age(other, code, now) + Duration::from_secs_f64(later);
            delay.get_or_insert(age);
        }
        delay
    }
}

/// The code that a point holds throughout.
fn pure(point: &[u8]) -> Option<u8> {
    let (&first, rest) = point.split_first()?;
    let code = (FIRST..FIRST + CODES as u8).contains(&first);
    (code && rest.iter().all(|&b| b == first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(frames: impl Iterator<Item = u64>) -> Heard {
        let now = Instant::now();
        let spoken = Spoken::new(now);
        let (mut mouth, mut ear) = (Mouth::new(6), Ear::default());
        for k in frames {
            ear.hear(mouth.say(k), 6, &spoken, now);
        }
        ear.heard
    }

    #[test]
    fn all_that_is_said_is_heard() {
        let heard = talk(0..1_000);
        assert_eq!((heard.packets, heard.frames), (1_000, 1_000));
        assert_eq!((heard.packets_lost, heard.frames_lost, heard.foreign), (0, 0, 0));
    }

    #[test]
    fn a_missing_frame_is_missed_although_the_switch_numbers_anew() {
        let heard = talk((0..200).filter(|k| k % 50 != 7));
        assert_eq!((heard.frames, heard.frames_lost, heard.packets_lost), (196, 4, 0));
    }

    #[test]
    fn blocks_cut_across_frames_lose_nothing() {
        let now = Instant::now();
        let spoken = Spoken::new(now);
        let (mut mouth, mut ear) = (Mouth::new(1), Ear::default());
        let mut before = mouth.say(0).to_vec();
        for k in 1..100 {
            let next = mouth.say(k).to_vec();
            let mut cut = next.clone();
            cut[12..92].copy_from_slice(&before[92..]);
            cut[92..].copy_from_slice(&next[12..92]);
            ear.hear(&cut, 1, &spoken, now);
            before = next;
        }
        assert_eq!((ear.heard.frames, ear.heard.frames_lost, ear.heard.foreign), (100, 0, 0));
    }

    #[test]
    fn silence_and_concealment_are_foreign() {
        let now = Instant::now();
        let spoken = Spoken::new(now);
        let mut ear = Ear::default();
        let mut packet = [0xd5; PACKET_BYTES];
        assert_eq!(ear.hear(&packet, 1, &spoken, now), None);
        packet[12..].iter_mut().zip(0u8..).for_each(|(b, n)| *b = n);
        ear.hear(&packet, 1, &spoken, now);
        assert_eq!((ear.heard.packets, ear.heard.frames, ear.heard.foreign), (2, 0, 8));
    }

    #[test]
    fn the_age_of_a_frame_is_told() {
        let begin = Instant::now();
        let mut spoken = Spoken::new(begin);
        let mut mouth = Mouth::new(3);
        for k in 0..10 {
            spoken.say(begin + Duration::from_millis(20 * k));
        }
        let packet = mouth.say(5).to_vec();
        let now = begin + Duration::from_millis(160);
        let delay = Ear::default().hear(&packet, 3, &spoken, now);
        assert_eq!(delay, Some(Duration::from_millis(60)));
    }
}
