//! RTP fixed header (RFC 3550 §5.1): read with its CSRC list, extension and padding skipped,
//! written plain.
//!
//! ```text
//!  0                   1                   2                   3
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! |                           timestamp                           |
//! |           synchronization source (SSRC) identifier            |
//! |            contributing sources (0-15), extension             |
//! ```
//!
//! [`Packet::parse`] never panics and never looks beyond the datagram: every length in it is
//! checked against what came.

/// Length of a header without CSRC and extension, bytes.
pub const HEADER: usize = 12;

/// What a header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// First packet of a talk spurt or of an event.
    pub marker: bool,
    /// Payload type, 0-127.
    pub payload_type: u8,
    /// Grows by one each packet, modulo 2^16.
    pub sequence: u16,
    /// Time of the first sample, 1/8000 s, modulo 2^32.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl Header {
    /// The bytes of this header: version 2, no padding, no extension, no CSRC.
    #[must_use]
    pub const fn emit(self) -> [u8; HEADER] {
        let [s1, s0] = self.sequence.to_be_bytes();
        let [t3, t2, t1, t0] = self.timestamp.to_be_bytes();
        let [c3, c2, c1, c0] = self.ssrc.to_be_bytes();
        let second = (self.marker as u8) << 7 | (self.payload_type & 0x7F);
        [0x80, second, s1, s0, t3, t2, t1, t0, c3, c2, c1, c0]
    }
}

/// A datagram read as RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its header.
    pub header: Header,
    /// What it carries, without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram; `None` if it is no RTP of version 2 or its lengths contradict each other.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Packet<'a>> {
        let (&fixed, rest) = datagram.split_first_chunk::<HEADER>()?;
        let [first, second, s1, s0, t3, t2, t1, t0, c3, c2, c1, c0] = fixed;
        if first >> 6 != 2 {
            return None;
        }
        let sources = usize::from(first & 0x0F) * 4;
        let mut payload = rest.get(sources..)?;
        if first & 0x10 != 0 {
            let (&[_, _, high, low], after) = payload.split_first_chunk::<4>()?;
            payload = after.get(usize::from(u16::from_be_bytes([high, low])) * 4..)?;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*payload.last()?);
            if padding == 0 {
                return None;
            }
            payload = payload.get(..payload.len().checked_sub(padding)?)?;
        }
        let header = Header {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            ssrc: u32::from_be_bytes([c3, c2, c1, c0]),
        };
        Some(Packet { header, payload })
    }
}

/// Which synchronisation source speaks on a port (RFC 3550 §A.1). The first packet is believed
/// at once, so that a talk loses nothing; another source beside it only after two packets in
/// sequence, so that one stray packet changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speaker {
    now: Option<u32>,
    probation: Option<(u32, u16)>,
}

/// What a packet's source is to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The one that speaks.
    Known,
    /// The first, or a new one that has proved itself.
    New,
    /// A stranger.
    Unproved,
}

impl Speaker {
    /// Judges one packet.
    pub fn handle_packet(&mut self, header: &Header) -> Standing {
        if self.now == Some(header.ssrc) {
            return Standing::Known;
        }
        let expected = self.probation.filter(|&(ssrc, _)| ssrc == header.ssrc);
        let proved = expected.is_some_and(|(_, sequence)| sequence == header.sequence);
        if self.now.is_none() || proved {
            *self = Speaker { now: Some(header.ssrc), probation: None };
            return Standing::New;
        }
        self.probation = Some((header.ssrc, header.sequence.wrapping_add(1)));
        Standing::Unproved
    }
}

/// Sequence numbers lately seen: which are new, late, double.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequence {
    /// The highest seen, if any.
    highest: Option<u16>,
    /// Bit *n*: `highest - n` was seen.
    seen: u64,
}

/// What a sequence number is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Later than all before.
    Next,
    /// Earlier than the latest, first time.
    Reordered,
    /// Seen before, or so old that nobody can tell.
    Duplicate,
}

impl Sequence {
    /// Judges one sequence number. A leap of more than 2^15 - 100 back is a restart and taken as
    /// `Next` (RFC 3550 §A.1 MAX_MISORDER).
    pub fn handle_sequence(&mut self, sequence: u16) -> Order {
        let Some(highest) = self.highest else {
            *self = Sequence { highest: Some(sequence), seen: 1 };
            return Order::Next;
        };
        let ahead = sequence.wrapping_sub(highest);
        let behind = highest.wrapping_sub(sequence);
        if ahead != 0 && (ahead < 0x8000 || behind > MAX_MISORDER) {
            let kept = if ahead < 64 { self.seen << ahead } else { 0 };
            *self = Sequence { highest: Some(sequence), seen: kept | 1 };
            return Order::Next;
        }
        let bit = 1u64.checked_shl(u32::from(behind)).unwrap_or(0);
        if bit == 0 || self.seen & bit != 0 {
            return Order::Duplicate;
        }
        self.seen |= bit;
        Order::Reordered
    }
}

/// Packets behind the highest that are still taken for late ones, not for a restart.
const MAX_MISORDER: u16 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Written by hand from the figure of §5.1: a µ-law packet with marker, two CSRC, an
    /// extension of one word, three sound bytes and four bytes of padding.
    const GOLDEN: &[u8] = &[
        0xB2, 0x80, 0x12, 0x34, 0x00, 0x00, 0x00, 0xA0, 0xDE, 0xAD, 0xBE, 0xEF, // fixed
        0, 0, 0, 1, 0, 0, 0, 2, // contributing sources
        0xBE, 0xDE, 0x00, 0x01, 0x10, 0xFF, 0x00, 0x00, // extension
        0xFF, 0x7F, 0x80, // sound
        0, 0, 0, 4, // padding
    ];

    #[test]
    fn a_packet_with_everything_in_it_is_read_as_written() {
        let packet = Packet::parse(GOLDEN).unwrap();
        let header = Header {
            marker: true,
            payload_type: 0,
            sequence: 0x1234,
            timestamp: 160,
            ssrc: 0xDEAD_BEEF,
        };
        assert_eq!(packet, Packet { header, payload: &[0xFF, 0x7F, 0x80] });
    }

    #[test]
    fn a_packet_cut_anywhere_in_its_headers_is_refused() {
        for n in 0..28 {
            assert_eq!(Packet::parse(&GOLDEN[..n]), None, "cut at {n}");
        }
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        let with = |at: usize, byte: u8| {
            let mut bytes = GOLDEN.to_vec();
            bytes[at] = byte;
            bytes
        };
        let last = GOLDEN.len() - 1;
        assert_eq!(Packet::parse(&with(last, 0)), None, "padding of nothing");
        assert_eq!(Packet::parse(&with(last, 8)), None, "padding beyond the payload");
        assert_eq!(Packet::parse(&with(23, 9)), None, "extension beyond the datagram");
        assert_eq!(Packet::parse(&with(0, 0x7F)), None, "version 1");
        assert_eq!(Packet::parse(&with(0, 0x8F)), None, "fifteen contributing sources");
    }

    #[test]
    fn a_stranger_is_believed_after_two_packets_in_sequence() {
        let mut speaker = Speaker::default();
        let from = |ssrc, sequence| Header { ssrc, sequence, ..Header::default() };
        assert_eq!(speaker.handle_packet(&from(1, 10)), Standing::New);
        assert_eq!(speaker.handle_packet(&from(1, 11)), Standing::Known);
        assert_eq!(speaker.handle_packet(&from(2, 700)), Standing::Unproved);
        assert_eq!(speaker.handle_packet(&from(2, 702)), Standing::Unproved);
        assert_eq!(speaker.handle_packet(&from(1, 12)), Standing::Known);
        assert_eq!(speaker.handle_packet(&from(2, 703)), Standing::New);
        assert_eq!(speaker.handle_packet(&from(1, 13)), Standing::Unproved);
    }

    #[test]
    fn sequence_numbers_wrap_and_tell_late_from_double() {
        let mut s = Sequence::default();
        assert_eq!(s.handle_sequence(65534), Order::Next);
        assert_eq!(s.handle_sequence(1), Order::Next);
        assert_eq!(s.handle_sequence(65535), Order::Reordered);
        assert_eq!(s.handle_sequence(65535), Order::Duplicate);
        assert_eq!(s.handle_sequence(1), Order::Duplicate);
        assert_eq!(s.handle_sequence(65480), Order::Reordered);
        assert_eq!(s.handle_sequence(65470), Order::Duplicate, "too old to tell");
        assert_eq!(s.handle_sequence(40000), Order::Next, "a restart");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + HEADER <= bytes.len());
            }
        }

        #[test]
        fn what_is_emitted_is_read_back(
            marker: bool, payload_type in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let bytes = [&header.emit()[..], &payload].concat();
            let packet = Packet { header, payload: &payload };
            prop_assert_eq!(Packet::parse(&bytes), Some(packet));
        }

        /// However they are shuffled within the window, each number is taken exactly once.
        #[test]
        fn each_number_counts_once(start: u16, steps in proptest::collection::vec(0u16..40, 1..200)) {
            let mut s = Sequence::default();
            s.handle_sequence(start.wrapping_sub(1));
            let mut taken = std::collections::BTreeSet::new();
            let mut base = 0u32;
            for step in steps {
                base += 1;
                let n = base + u32::from(step);
                let order = s.handle_sequence(start.wrapping_add(n as u16));
                if order != Order::Duplicate {
                    prop_assert!(taken.insert(n), "{} taken twice", n);
                }
            }
        }
    }
}
