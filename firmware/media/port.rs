//! One port: the receive side of a leg (packets or a bearer's blocks to sound and digits), its
//! transmit side, and the detector beside it.

use crate::command::{Codec, Digits, Listening, Mapping, OpenPort, Transport};
use crate::conceal::Concealer;
use crate::detect::{self, Change, Voice as Onset};
use crate::echo::EchoCanceller;
use crate::engine::Accepted;
use crate::fact::{Fact, Facts, PacketRefusal, PortStats};
use crate::id::PortId;
use crate::jitter::{JitterBuffer, Pulled};
use crate::mix::Voice;
use crate::rtp::{Header, Order, Packet, Sequence, Speaker, Standing};
use crate::spandsp::DtmfReceiver;
use crate::telephone_event::{self, Event};
use crate::transmit::Transmit;
use crate::{FRAME, Frame, TICK_MS, limits};

/// RFC 3389 comfort noise: a sign of life without sound; we make our own silence.
const COMFORT_NOISE: u8 = 13;

/// Silent ticks after which the DTMF receiver need not listen on: it has seen the digit's end.
const DTMF_REST_TICKS: u8 = 5;

/// Microseconds of one RTP timestamp unit at 8 kHz.
const UNIT_US: i64 = 125;

/// What a packet meant for the rest of the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// For the shell.
    pub accepted: Accepted,
    /// A key was pressed.
    pub digit: Option<u8>,
}

/// See the module.
#[derive(Debug)]
pub struct Port {
    id: PortId,
    /// Whether it is in use.
    pub open: bool,
    transport: Transport,
    receive: Receive,
    transmit: Transmit,
    detector: Detector,
    /// At work while the engine has lent it.
    echo: Option<Box<EchoCanceller>>,
    stats: PortStats,
}

#[derive(Debug)]
struct Receive {
    digit_payload: Option<u8>,
    mapping: Mapping,
    speaker: Speaker,
    sequence: Sequence,
    buffer: JitterBuffer,
    concealer: Concealer,
    events: telephone_event::Receiver,
    /// Time of a bearer's next block on a timeline of our own, samples.
    block_timestamp: u32,
    /// Arrival less timestamp of the last packet, µs; and the mean of its changes times 16.
    transit_us: Option<i64>,
    jitter_us_16: i64,
    timeout_ticks: u32,
    silent_ticks: u32,
    heard: Heard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Sound,
    TimedOut { had_sound: bool },
}

#[derive(Debug)]
struct Detector {
    listening: Listening,
    onset: Onset,
    dtmf: DtmfReceiver,
    quiet_ticks: u8,
}

impl Port {
    /// A closed port. Allocates; not for the tick.
    #[must_use]
    pub fn new(id: PortId) -> Port {
        Port {
            id,
            open: false,
            transport: Transport::Rtp,
            receive: Receive {
                digit_payload: None,
                mapping: Mapping::default(),
                speaker: Speaker::default(),
                sequence: Sequence::default(),
                buffer: JitterBuffer::new(),
                concealer: Concealer::new(),
                events: telephone_event::Receiver::default(),
                block_timestamp: 0,
                transit_us: None,
                jitter_us_16: 0,
                timeout_ticks: 0,
                silent_ticks: 0,
                heard: Heard::Nothing,
            },
            transmit: Transmit::new(),
            detector: Detector {
                listening: Listening::Off,
                onset: Onset::default(),
                dtmf: DtmfReceiver::new(),
                quiet_ticks: 0,
            },
            echo: None,
            stats: PortStats::default(),
        }
    }

    /// Takes it into use, with nothing left of its last use.
    pub fn open(&mut self, how: &OpenPort) {
        self.open = true;
        self.transport = how.transport;
        self.stats = PortStats::default();
        self.set_digit_payload(how.digit_payload);
        self.set_mapping(Mapping::default());
        let receive = &mut self.receive;
        receive.speaker = Speaker::default();
        receive.sequence = Sequence::default();
        receive.buffer.reset(how.transport != Transport::Rtp);
        receive.block_timestamp = 0;
        receive.concealer.reset();
        receive.events = telephone_event::Receiver::default();
        receive.transit_us = None;
        receive.jitter_us_16 = 0;
        receive.heard = Heard::Nothing;
        self.set_media_timeout(how.media_timeout_ms);
        self.transmit.open(how);
        self.set_listening(how.listening);
    }

    /// Takes it out of use.
    pub fn close(&mut self) {
        self.open = false;
        self.transmit.close();
        // Whoever opens it next begins to listen, and hears nothing that is half heard.
        self.set_listening(Listening::Off);
    }

    /// What is sent from now on.
    pub fn set_codec(&mut self, codec: Codec) {
        self.transmit.set_codec(codec);
    }

    /// Payload type of telephone-events both ways; a bearer has none.
    pub fn set_digit_payload(&mut self, payload_type: Option<u8>) {
        self.receive.digit_payload = match self.transport {
            Transport::Rtp => payload_type,
            Transport::Bearer { .. } => None,
        };
    }

    /// Payload types that are not the usual ones.
    pub fn set_mapping(&mut self, mapping: Mapping) {
        self.receive.mapping = mapping;
        self.transmit.set_mapped(mapping.sound);
    }

    /// Whether sound is sent.
    pub fn set_sending(&mut self, sending: bool) {
        self.transmit.set_sending(sending);
    }

    /// How long no packet may come, ms; 0: never mind. A bearer is not minded: its line raises an
    /// alarm by itself.
    pub fn set_media_timeout(&mut self, ms: u32) {
        self.receive.timeout_ticks = match self.transport {
            Transport::Rtp => ms.div_ceil(TICK_MS),
            Transport::Bearer { .. } => 0,
        };
        self.receive.silent_ticks = 0;
    }

    /// What its detector looks for; it starts afresh.
    pub fn set_listening(&mut self, listening: Listening) {
        if listening != self.detector.listening || listening == Listening::Off {
            self.detector.dtmf.reset();
            self.detector.onset = Onset::default();
            self.detector.quiet_ticks = DTMF_REST_TICKS;
        }
        self.detector.listening = listening;
    }

    /// Whether its sound comes and goes in blocks of a span.
    #[must_use]
    pub fn is_bearer(&self) -> bool {
        match self.transport {
            Transport::Rtp => false,
            Transport::Bearer { .. } => true,
        }
    }

    /// Whether the echo of what it sends is taken out of what it receives.
    #[must_use]
    pub fn cancels_echo(&self) -> bool {
        self.echo.is_some()
    }

    /// Takes the echo out from now on, by this canceller, which may know another line yet.
    pub fn start_echo(&mut self, mut canceller: Box<EchoCanceller>) {
        let ticks = match self.transport {
            Transport::Rtp => 1,
            Transport::Bearer { turnaround_ticks } => turnaround_ticks,
        };
        canceller.reset(usize::from(ticks));
        self.echo = Some(canceller);
    }

    /// Gives its canceller back, if it has one.
    pub fn stop_echo(&mut self) -> Option<Box<EchoCanceller>> {
        self.echo.take()
    }

    /// Queues digits to send; `false` if there is no room for all.
    pub fn queue_digits(&mut self, digits: &Digits) -> bool {
        self.transmit.queue_digits(digits)
    }

    /// Its counts.
    #[must_use]
    pub fn stats(&self) -> PortStats {
        let counts = self.receive.buffer.counts();
        let ms = |samples: u64| u32::try_from(samples / 8).unwrap_or(u32::MAX);
        PortStats {
            late: counts.late,
            jumps: counts.jumps,
            lost_ms: ms(counts.lost),
            stretched_ms: ms(counts.stretched),
            squeezed_ms: ms(counts.squeezed),
            depth_ms: (self.receive.buffer.depth_samples() / 8) as u16,
            jitter_us: (self.receive.jitter_us_16 / 16) as u32,
            ..self.stats
        }
    }

    /// Takes one datagram.
    pub fn handle_packet(
        &mut self,
        now_us: u64,
        datagram: &[u8],
        facts: &mut Facts,
    ) -> Result<Received, PacketRefusal> {
        let taken =
            if self.is_bearer() { Err(PacketRefusal::Bearer) } else { self.judge(datagram) };
        match taken {
            Err(PacketRefusal::Duplicate) => self.stats.duplicate += 1,
            Err(_) => self.stats.refused += 1,
            Ok(_) => {}
        }
        let (packet, content, new_source) = taken?;
        self.come_alive(&packet.header, content, new_source, facts);
        let digit = self.receive.take(now_us, &packet, content, &mut self.stats);
        Ok(Received { accepted: Accepted { new_source }, digit })
    }

    /// Takes one block of a bearer. A line numbers nothing: what did not come in its tick counts as
    /// sound that came late.
    pub fn handle_bearer(&mut self, block: &[u8; FRAME], facts: &mut Facts) {
        let codec = self.transmit.codec();
        let receive = &mut self.receive;
        if receive.heard == Heard::Nothing {
            facts.push(Fact::MediaStarted { port: self.id, codec });
            receive.heard = Heard::Sound;
        }
        self.stats.received = self.stats.received.wrapping_add(1);
        receive.buffer.handle_packet(receive.block_timestamp, codec, block);
        receive.block_timestamp = receive.block_timestamp.wrapping_add(FRAME as u32);
    }

    /// Whether a datagram belongs here, and what it is.
    fn judge<'a>(
        &mut self,
        datagram: &'a [u8],
    ) -> Result<(Packet<'a>, Content, bool), PacketRefusal> {
        if datagram.len() > limits::DATAGRAM {
            return Err(PacketRefusal::TooLong);
        }
        let packet = Packet::parse(datagram).ok_or(PacketRefusal::NotRtp)?;
        let receive = &mut self.receive;
        let content = match packet.header.payload_type {
            event if receive.is_digit(event) => {
                Content::Event(Event::parse(packet.payload).ok_or(PacketRefusal::NotRtp)?)
            }
            COMFORT_NOISE => Content::ComfortNoise,
            other => receive
                .codec_of(other)
                .map(Content::Sound)
                .ok_or(PacketRefusal::PayloadType(other))?,
        };
        if packet.payload.len() > limits::PAYLOAD_SAMPLES {
            return Err(PacketRefusal::TooLong);
        }
        let new_source = match receive.speaker.handle_packet(&packet.header) {
            Standing::Known => false,
            Standing::New => true,
            Standing::Unproved => return Err(PacketRefusal::Source(packet.header.ssrc)),
        };
        if new_source {
            receive.sequence = Sequence::default();
            receive.transit_us = None;
            receive.buffer.restart();
        }
        match receive.sequence.handle_sequence(packet.header.sequence) {
            Order::Next => {}
            Order::Reordered => self.stats.reordered += 1,
            Order::Duplicate => return Err(PacketRefusal::Duplicate),
        }
        Ok((packet, content, new_source))
    }

    /// Tells what a valid packet says about the far end being there.
    fn come_alive(
        &mut self,
        header: &Header,
        content: Content,
        new_source: bool,
        facts: &mut Facts,
    ) {
        let (port, receive) = (self.id, &mut self.receive);
        receive.silent_ticks = 0;
        if new_source && receive.heard != Heard::Nothing {
            facts.push(Fact::SourceChanged { port, ssrc: header.ssrc });
        }
        if let Heard::TimedOut { had_sound } = receive.heard {
            facts.push(Fact::MediaResumed { port });
            receive.heard = if had_sound { Heard::Sound } else { Heard::Nothing };
        }
        if let (Heard::Nothing, Content::Sound(codec)) = (receive.heard, content) {
            facts.push(Fact::MediaStarted { port, codec });
            receive.heard = Heard::Sound;
        }
    }

    /// Hears 20 ms of the far end.
    pub fn hear(&mut self, frame: &mut Frame, bytes: &mut [u8; FRAME], facts: &mut Facts) -> Voice {
        let receive = &mut self.receive;
        receive.silent_ticks = receive.silent_ticks.saturating_add(1);
        let limit = receive.timeout_ticks;
        let timed_out = matches!(receive.heard, Heard::TimedOut { .. });
        if limit > 0 && receive.silent_ticks > limit && !timed_out {
            let silent_ms = receive.silent_ticks.saturating_sub(1) * TICK_MS;
            facts.push(Fact::MediaTimeout { port: self.id, silent_ms });
            let had_sound = receive.heard == Heard::Sound;
            receive.heard = Heard::TimedOut { had_sound };
        }
        receive.events.handle_tick();
        let resting = receive.events.is_pressed();
        let pulled = receive.buffer.handle_tick(&mut receive.concealer, resting, frame, bytes);
        if let Some(echo) = &mut self.echo {
            echo.handle_received(frame);
            return Voice::Linear;
        }
        match pulled {
            Pulled::Silence => Voice::Silent,
            Pulled::Made => Voice::Linear,
            Pulled::Exact(codec) => Voice::Exact(codec),
        }
    }

    /// Whether its detector wants sound.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.detector.listening != Listening::Off
    }

    /// Gives its detector 20 ms of what its rows hear; a digit it found.
    pub fn detect(&mut self, frame: &Frame, facts: &mut Facts) -> Option<u8> {
        let (port, detector) = (self.id, &mut self.detector);
        let energy = detect::energy(frame);
        match detector.onset.handle_energy(energy) {
            None => {}
            Some(Change::Started { level_dbm0 }) => {
                facts.push(Fact::SoundStarted { port, level_dbm0 });
            }
            Some(Change::Ended { lasted_ms }) => {
                facts.push(Fact::SoundEnded { port, lasted_ms });
            }
        }
        let quiet = energy <= detect::SOUND_ENERGY;
        detector.quiet_ticks = if quiet { detector.quiet_ticks.saturating_add(1) } else { 0 };
        let digits = detector.listening == Listening::VoiceAndDigits;
        if !digits || detector.quiet_ticks > DTMF_REST_TICKS {
            return None;
        }
        // Who has sent one key as an event sends all so; the same key's sound is its echo.
        detector.dtmf.handle_frame(frame).filter(|_| self.stats.events == 0)
    }

    /// Sends 20 ms: `encode` writes the sound if sound is what goes out.
    pub fn say(&mut self, facts: &mut Facts, encode: impl FnOnce(Codec, &mut [u8; FRAME])) {
        let digits_done = self.transmit.handle_tick(self.receive.digit_payload, encode);
        if digits_done {
            facts.push(Fact::DigitsSent { port: self.id });
        }
        let said = self.transmit.packet().is_some();
        self.stats.sent = self.stats.sent.wrapping_add(u32::from(said));
        if let Some(echo) = &mut self.echo {
            echo.handle_sent(self.transmit.codec(), self.transmit.sound());
        }
    }

    /// The packet of this tick; a bearer has none.
    #[must_use]
    pub fn packet(&self) -> Option<&[u8]> {
        if self.is_bearer() { None } else { self.transmit.packet() }
    }

    /// The block of this tick; only a bearer has one.
    #[must_use]
    pub fn block(&self) -> Option<&[u8; FRAME]> {
        if self.is_bearer() { self.transmit.sound() } else { None }
    }
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Sound(Codec),
    Event(Event),
    ComfortNoise,
}

impl Receive {
    fn is_digit(&self, payload_type: u8) -> bool {
        [self.digit_payload, self.mapping.digits].contains(&Some(payload_type))
    }

    /// What a payload type means: as it was mapped, else as RFC 3551 has it.
    fn codec_of(&self, payload_type: u8) -> Option<Codec> {
        let mapped = self.mapping.sound.filter(|(number, _)| *number == payload_type);
        mapped.map(|(_, codec)| codec).or_else(|| Codec::from_payload_type(payload_type))
    }

    fn take(
        &mut self,
        now_us: u64,
        packet: &Packet<'_>,
        content: Content,
        stats: &mut PortStats,
    ) -> Option<u8> {
        let timestamp = packet.header.timestamp;
        match content {
            Content::Sound(codec) => {
                stats.received = stats.received.wrapping_add(1);
                self.measure(now_us, timestamp);
                self.buffer.handle_packet(timestamp, codec, packet.payload);
                None
            }
            Content::Event(event) => {
                stats.events = stats.events.wrapping_add(1);
                self.events.handle_event(timestamp, event)
            }
            Content::ComfortNoise => None,
        }
    }

    /// Interarrival jitter (RFC 3550 §6.4.1): J += (|D| - J) / 16.
    fn measure(&mut self, now_us: u64, timestamp: u32) {
        let transit = (now_us as i64).wrapping_sub(i64::from(timestamp) * UNIT_US);
        if let Some(before) = self.transit_us {
            let d = transit.wrapping_sub(before).saturating_abs().min(1_000_000);
            self.jitter_us_16 += d - self.jitter_us_16 / 16;
        }
        self.transit_us = Some(transit);
    }
}
