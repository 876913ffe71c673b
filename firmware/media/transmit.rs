//! The transmit side of a port: one RTP packet each tick, of sound or of a digit. A bearer sends
//! the same without its header.

use crate::command::{Codec, Digits, OpenPort};
use crate::rtp::{HEADER, Header};
use crate::telephone_event::{self, Sender, Sending};
use crate::tone::Pair;
use crate::{FRAME, g711};

/// Length of a packet of 20 ms of G.711, bytes.
const PACKET: usize = HEADER + FRAME;

/// See the module.
#[derive(Debug)]
pub struct Transmit {
    codec: Codec,
    /// The number of a codec that has not its own.
    mapped: Option<(u8, Codec)>,
    sending: bool,
    /// The next sound packet begins a spurt.
    marker: bool,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    digits: Sender,
    /// Timestamp at which the digit under way began.
    event_timestamp: u32,
    /// Sound of the digit under way where it goes in band.
    pair: Pair,
    packet: [u8; PACKET],
    len: u8,
}

impl Transmit {
    /// A side that sends nothing.
    #[must_use]
    pub fn new() -> Transmit {
        Transmit {
            codec: Codec::Alaw,
            mapped: None,
            sending: false,
            marker: true,
            ssrc: 0,
            sequence: 0,
            timestamp: 0,
            digits: Sender::default(),
            event_timestamp: 0,
            pair: Pair::SILENT,
            packet: [0; PACKET],
            len: 0,
        }
    }

    /// Starts a stream with nothing left of the last.
    pub fn open(&mut self, how: &OpenPort) {
        *self = Transmit {
            codec: how.codec,
            sending: true,
            ssrc: how.ssrc,
            sequence: how.sequence,
            timestamp: how.timestamp,
            ..Transmit::new()
        };
    }

    /// Ends it.
    pub fn close(&mut self) {
        self.sending = false;
        self.len = 0;
    }

    /// What is sent.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// What is sent from now on.
    pub fn set_codec(&mut self, codec: Codec) {
        self.codec = codec;
    }

    /// The payload type of a codec, where it is not its own.
    pub fn set_mapped(&mut self, mapped: Option<(u8, Codec)>) {
        self.mapped = mapped;
    }

    /// Whether packets are sent.
    pub fn set_sending(&mut self, sending: bool) {
        self.marker |= sending && !self.sending;
        self.sending = sending;
    }

    /// Queues digits; `false` if there is no room for all.
    pub fn queue_digits(&mut self, digits: &Digits) -> bool {
        self.digits.queue(digits)
    }

    /// Makes the packet of this tick: a digit if one is under way (as an event of
    /// `digit_payload`, or in band without it), else the sound that `encode` writes. `true` when
    /// the last digit has gone. Digits wait while nothing is sent; time goes on.
    pub fn handle_tick(
        &mut self,
        digit_payload: Option<u8>,
        encode: impl FnOnce(Codec, &mut [u8; FRAME]),
    ) -> bool {
        self.len = 0;
        let mut digits_done = false;
        if self.sending {
            let busy = self.digits.is_busy();
            match self.digits.next_tick() {
                Some(digit) => self.say_digit(digit, digit_payload, encode),
                None => {
                    digits_done = busy;
                    self.say_sound(encode);
                }
            }
        }
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        digits_done
    }

    /// The sound of this tick, if it is sound that was made.
    #[must_use]
    pub fn sound(&self) -> Option<&[u8; FRAME]> {
        if usize::from(self.len) == PACKET { self.packet.last_chunk() } else { None }
    }

    /// The packet of this tick.
    #[must_use]
    pub fn packet(&self) -> Option<&[u8]> {
        let packet = self.packet.get(..usize::from(self.len))?;
        (!packet.is_empty()).then_some(packet)
    }

    fn say_sound(&mut self, encode: impl FnOnce(Codec, &mut [u8; FRAME])) {
        let mapped = self.mapped.filter(|(_, codec)| *codec == self.codec);
        let header = Header {
            marker: core::mem::take(&mut self.marker),
            payload_type: mapped.map_or(self.codec.payload_type(), |(number, _)| number),
            timestamp: self.timestamp,
            ..self.header()
        };
        let Some((head, sound)) = self.packet.split_first_chunk_mut::<HEADER>() else {
            return;
        };
        *head = header.emit();
        if let Some(sound) = sound.first_chunk_mut::<FRAME>() {
            encode(self.codec, sound);
        }
        self.len = PACKET as u8;
    }

    fn say_digit(
        &mut self,
        digit: Sending,
        payload_type: Option<u8>,
        encode: impl FnOnce(Codec, &mut [u8; FRAME]),
    ) {
        let first = matches!(digit, Sending::On { ticks: 0, .. });
        if first {
            self.event_timestamp = self.timestamp;
        }
        let Some(payload_type) = payload_type else {
            return self.say_in_band(digit);
        };
        let Some(event) = digit.event() else {
            return self.say_sound(encode);
        };
        let header = Header {
            marker: first,
            payload_type,
            timestamp: self.event_timestamp,
            ..self.header()
        };
        const END: usize = HEADER + telephone_event::PAYLOAD;
        self.packet[..HEADER].copy_from_slice(&header.emit());
        self.packet[HEADER..END].copy_from_slice(&event.emit());
        self.len = END as u8;
    }

    fn say_in_band(&mut self, digit: Sending) {
        let mut frame = [0; FRAME];
        match digit {
            Sending::On { digit, ticks } => {
                if ticks == 0 {
                    self.pair = Pair::of_digit(digit).unwrap_or(Pair::SILENT);
                }
                self.pair.fill(&mut frame);
            }
            Sending::Off { .. } => {}
        }
        self.say_sound(|codec, bytes| g711::encode(codec, &frame, bytes));
    }

    /// Source and the next sequence number.
    fn header(&mut self) -> Header {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Header { sequence, ssrc: self.ssrc, ..Header::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PortId;
    use crate::rtp::Packet;

    fn side() -> Transmit {
        let mut side = Transmit::new();
        side.open(&OpenPort {
            sequence: 65_535,
            timestamp: u32::MAX - 159,
            ..OpenPort::new(PortId(0), Codec::Ulaw, 9)
        });
        side
    }

    /// Payload type, marker, sequence, timestamp and length of the payload of the next packet.
    fn next(side: &mut Transmit, payload: Option<u8>) -> (u8, bool, u16, u32, usize) {
        side.handle_tick(payload, |_, bytes| bytes.fill(0x55));
        let packet = Packet::parse(side.packet().unwrap()).unwrap();
        let h = packet.header;
        assert_eq!(h.ssrc, 9);
        (h.payload_type, h.marker, h.sequence, h.timestamp, packet.payload.len())
    }

    #[test]
    fn numbers_and_times_wrap() {
        let mut side = side();
        assert_eq!(next(&mut side, None), (0, true, 65_535, u32::MAX - 159, 160));
        assert_eq!(next(&mut side, None), (0, false, 0, 0, 160));
        assert_eq!(next(&mut side, None), (0, false, 1, 160, 160));
    }

    #[test]
    fn all_packets_of_a_digit_bear_the_time_of_its_beginning() {
        let mut side = side();
        next(&mut side, Some(101));
        assert!(side.queue_digits(&Digits::new("5").unwrap()));
        assert_eq!(next(&mut side, Some(101)), (101, true, 0, 0, 4));
        for sequence in 1..7 {
            assert_eq!(next(&mut side, Some(101)), (101, false, sequence, 0, 4));
        }
        assert_eq!(next(&mut side, Some(101)), (0, false, 7, 1120, 160));
    }

    #[test]
    fn digits_wait_while_nothing_is_sent() {
        let mut side = side();
        side.set_sending(false);
        side.queue_digits(&Digits::new("5").unwrap());
        for _ in 0..100 {
            assert!(!side.handle_tick(Some(101), |_, _| unreachable!()));
            assert_eq!(side.packet(), None);
        }
        side.set_sending(true);
        assert_eq!(next(&mut side, Some(101)).0, 101);
    }
}
