//! RFC 4733 telephone-events: keys pressed, as packets beside the sound.
//!
//! ```text
//!  0                   1                   2                   3
//! |     event     |E|R| volume    |          duration             |      §2.3
//! ```
//!
//! All packets of one press bear the timestamp of its start; the duration grows; the last is sent
//! three times with E (§2.5.1.4). So the timestamp names the press: whatever arrives, in whatever
//! order and however often, one timestamp is one digit, told when its first packet comes. A press
//! whose end never comes ends when the next begins, or after [`LOST_END_TICKS`].

use crate::command::Digits;
use crate::limits;

/// Length of the payload of one event, bytes.
pub const PAYLOAD: usize = 4;

/// One event payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event code; 0 to 15 are DTMF (§3.2).
    pub code: u8,
    /// This is the end of the press.
    pub end: bool,
    /// Level below 0 dBm0, dB (0-63).
    pub volume: u8,
    /// Since the start, timestamp units (1/8000 s).
    pub duration: u16,
}

impl Event {
    /// Reads the first event of a payload; `None` if it is too short.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Event> {
        let &[code, flags, high, low] = payload.first_chunk::<PAYLOAD>()?;
        Some(Event {
            code,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The bytes of this event.
    #[must_use]
    pub const fn emit(self) -> [u8; PAYLOAD] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, (self.end as u8) << 7 | (self.volume & 0x3F), high, low]
    }
}

/// The event code of an ASCII digit `0-9 * # A-D` (§3.2 table 3).
#[must_use]
pub const fn event_of_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'*' => Some(10),
        b'#' => Some(11),
        b'A'..=b'D' => Some(digit - b'A' + 12),
        _ => None,
    }
}

/// The ASCII digit of an event code, if it is DTMF.
#[must_use]
pub const fn digit_of_event(code: u8) -> Option<u8> {
    match code {
        0..=9 => Some(b'0' + code),
        10 => Some(b'*'),
        11 => Some(b'#'),
        12..=15 => Some(b'A' + code - 12),
        _ => None,
    }
}

/// A press is over if nothing of it came for so many ticks: 3 s, far beyond any update interval
/// (§2.5.2.1 asks receivers not to wait for ever).
const LOST_END_TICKS: u16 = 150;

/// Presses remembered, so that late copies of an earlier press are not told again.
const REMEMBERED: usize = 4;

/// Turns event packets into digits, each press once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receiver {
    /// Timestamps of the last presses told, newest first.
    told: [Option<u32>; REMEMBERED],
    /// The press under way: ticks since its last packet.
    pressed: Option<u16>,
}

impl Receiver {
    /// Takes one event packet; the ASCII digit if it begins a press.
    pub fn handle_event(&mut self, timestamp: u32, event: Event) -> Option<u8> {
        let digit = digit_of_event(event.code)?;
        if self.told.contains(&Some(timestamp)) {
            if self.told[0] == Some(timestamp) {
                self.pressed = if event.end { None } else { self.pressed.map(|_| 0) };
            }
            return None;
        }
        self.told.rotate_right(1);
        self.told[0] = Some(timestamp);
        self.pressed = if event.end { None } else { Some(0) };
        Some(digit)
    }

    /// One tick has passed.
    pub fn handle_tick(&mut self) {
        self.pressed = match self.pressed {
            Some(ticks) if ticks < LOST_END_TICKS => Some(ticks + 1),
            Some(_) | None => None,
        };
    }

    /// Whether a key is down: the sound stream rests meanwhile, and nothing is to be concealed.
    #[must_use]
    pub const fn is_pressed(&self) -> bool {
        self.pressed.is_some()
    }
}

/// Ticks a sent digit sounds (100 ms) and rests (60 ms): well above the 40 + 40 ms that ITU-T
/// Q.24 lets receivers ask for.
const SEND_ON_TICKS: u8 = 5;
const SEND_OFF_TICKS: u8 = 3;

/// Level told with sent events: -10 dBm0.
const SEND_VOLUME: u8 = 10;

/// What the port sends in this tick instead of its sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// This digit sounds; so many ticks of it have passed before.
    On {
        /// ASCII.
        digit: u8,
        /// Ticks before this one.
        ticks: u8,
    },
    /// This digit rests; so many ticks of rest have passed before.
    Off {
        /// ASCII.
        digit: u8,
        /// Ticks of rest before this one.
        ticks: u8,
    },
}

impl Sending {
    /// The event packet of this tick. One goes out each tick: five that grow, the last of them
    /// with E, and its two repetitions in the rest (§2.5.1.4).
    #[must_use]
    pub fn event(self) -> Option<Event> {
        let (digit, ticks, end) = match self {
            Sending::On { digit, ticks } => (digit, ticks + 1, ticks + 1 == SEND_ON_TICKS),
            Sending::Off { digit, ticks: 0 | 1 } => (digit, SEND_ON_TICKS, true),
            Sending::Off { .. } => return None,
        };
        let duration = u16::from(ticks) * 160;
        Some(Event { code: event_of_digit(digit)?, end, volume: SEND_VOLUME, duration })
    }
}

/// Digits waiting to be sent, and the one being sent.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    waiting: heapless::Deque<u8, { limits::DIGITS }>,
    now: Option<Sending>,
}

impl Sender {
    /// Queues digits; `false`, and none is queued, if there is no room for all.
    pub fn queue(&mut self, digits: &Digits) -> bool {
        if self.waiting.len() + digits.as_bytes().len() > limits::DIGITS {
            return false;
        }
        for &digit in digits.as_bytes() {
            let _room_was_checked = self.waiting.push_back(digit);
        }
        true
    }

    /// What to send in this tick; `None`: sound.
    pub fn next_tick(&mut self) -> Option<Sending> {
        self.now = match self.now {
            Some(Sending::On { digit, ticks }) if ticks + 1 < SEND_ON_TICKS => {
                Some(Sending::On { digit, ticks: ticks + 1 })
            }
            Some(Sending::On { digit, .. }) => Some(Sending::Off { digit, ticks: 0 }),
            Some(Sending::Off { digit, ticks }) if ticks + 1 < SEND_OFF_TICKS => {
                Some(Sending::Off { digit, ticks: ticks + 1 })
            }
            Some(Sending::Off { .. }) | None => {
                self.waiting.pop_front().map(|digit| Sending::On { digit, ticks: 0 })
            }
        };
        self.now
    }

    /// Whether anything is being sent or waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.now.is_some() || !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(code: u8, duration: u16, end: bool) -> Event {
        Event { code, end, volume: 10, duration }
    }

    #[test]
    fn the_example_of_rfc_4733_section_5_1_is_read_as_written() {
        // §5.1: digit "9" dialled at timestamp 0, volume 7, duration 1600 at its end.
        let bytes = [9, 0x80 | 7, 0x06, 0x40];
        let read = Event::parse(&bytes).unwrap();
        assert_eq!(read, Event { code: 9, end: true, volume: 7, duration: 1600 });
        assert_eq!(read.emit(), bytes);
        assert_eq!(Event::parse(&bytes[..3]), None);
    }

    #[test]
    fn a_press_is_told_once_however_many_packets_it_has() {
        let mut rx = Receiver::default();
        assert_eq!(rx.handle_event(1000, event(5, 160, false)), Some(b'5'));
        assert!(rx.is_pressed());
        for n in 2..6 {
            assert_eq!(rx.handle_event(1000, event(5, 160 * n, false)), None);
        }
        for _ in 0..3 {
            assert_eq!(rx.handle_event(1000, event(5, 960, true)), None);
        }
        assert!(!rx.is_pressed());
        assert_eq!(rx.handle_event(3000, event(5, 160, false)), Some(b'5'));
    }

    #[test]
    fn a_press_of_which_only_the_last_end_packet_came_is_told() {
        let mut rx = Receiver::default();
        assert_eq!(rx.handle_event(77, event(11, 1600, true)), Some(b'#'));
        assert!(!rx.is_pressed());
    }

    #[test]
    fn a_press_whose_end_is_lost_ends_by_itself() {
        let mut rx = Receiver::default();
        rx.handle_event(1, event(1, 160, false));
        for _ in 0..=LOST_END_TICKS {
            assert!(rx.is_pressed());
            rx.handle_tick();
        }
        assert!(!rx.is_pressed());
    }

    #[test]
    fn a_late_copy_of_the_press_before_is_not_told_again() {
        let mut rx = Receiver::default();
        rx.handle_event(1000, event(1, 160, false));
        rx.handle_event(3000, event(2, 160, false));
        assert_eq!(rx.handle_event(1000, event(1, 800, true)), None);
        assert!(rx.is_pressed(), "the old end does not lift the new key");
    }

    #[test]
    fn events_that_are_no_digits_are_not_told() {
        assert_eq!(Receiver::default().handle_event(1, event(36, 160, false)), None);
    }

    #[test]
    fn a_digit_is_sent_as_five_packets_and_two_more_ends() {
        let mut tx = Sender::default();
        assert!(tx.queue(&Digits::new("7*").unwrap()));
        let ticks: Vec<_> = (0..17).map(|_| tx.next_tick().and_then(Sending::event)).collect();
        let seen: Vec<_> = ticks.iter().map(|e| e.map(|e| (e.code, e.duration, e.end))).collect();
        let digit = |code| {
            [(160, false), (320, false), (480, false), (640, false), (800, true), (800, true)]
                .into_iter()
                .chain([(800, true)])
                .map(move |(d, e)| Some((code, d, e)))
                .chain([None])
        };
        let expected: Vec<_> = digit(7).chain(digit(10)).chain([None]).collect();
        assert_eq!(seen, expected);
        assert!(!tx.is_busy());
    }

    #[test]
    fn too_many_digits_are_refused_whole() {
        let mut tx = Sender::default();
        assert!(tx.queue(&Digits::new("12345678901234567890").unwrap()));
        assert!(!tx.queue(&Digits::new("1234567890123").unwrap()));
        assert!(tx.queue(&Digits::new("123456789012").unwrap()));
        assert_eq!(Digits::new(&"1".repeat(33)), None);
        assert_eq!(Digits::new("12E"), None);
    }

    proptest! {
        /// Presses with distinct timestamps, their packets duplicated, dropped (but one) and
        /// shuffled within the press: each is told exactly once, in order.
        #[test]
        fn each_press_is_one_digit(
            presses in proptest::collection::vec(
                (0u8..16, proptest::collection::vec((1u16..10, any::<bool>()), 1..12)), 1..30)
        ) {
            let mut rx = Receiver::default();
            let mut told = Vec::new();
            for (n, (code, packets)) in presses.iter().enumerate() {
                for &(units, end) in packets {
                    let e = event(*code, units * 160, end);
                    told.extend(rx.handle_event(n as u32 * 2000, e));
                }
            }
            let pressed: Vec<u8> = presses.iter().filter_map(|p| digit_of_event(p.0)).collect();
            prop_assert_eq!(told, pressed);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..9)) {
            if let Some(e) = Event::parse(&bytes) {
                let back = e.emit();
                prop_assert_eq!(back[0], bytes[0]);
                prop_assert_eq!(back[1], bytes[1] & 0xBF);
                prop_assert_eq!(&back[2..], &bytes[2..4]);
            }
        }
    }
}
