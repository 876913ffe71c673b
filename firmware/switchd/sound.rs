//! The sound thread: the shell around [`media::Engine`]. It owns the RTP sockets and the 20 ms tick.
//!
//! ```text
//!   ┌─ wait for the next 20 ms ────┐   by the beat of a span, else by the timer (`beat`)
//!   │  1 orders   ring  ► engine   │
//!   │  2 receive  sockets ► engine │   After `run` has begun nothing here allocates, locks, logs or
//!   │             spans ► engine   │   makes a call that can wait: the sockets do not block, the
//!   │  3 tick                      │   rings drop and count when full, the bell rings without
//!   │  4 send     engine ► sockets │   waiting.
//!   │             engine ► spans   │
//!   │  5 blocks   engine ► disk    │
//!   │  6 facts    engine ► reactor │
//!   └──────────────────────────────┘
//! ```
//!
//! A tick that begins late is made up for by the next ones, up to a bound; what is later than that
//! is skipped, so that a stopped machine does not wake up with a burst of old sound.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use media::{Command, Engine, PortId, RecorderId, Setup, TICK_MS, Transport};

use crate::bearer::{Channels, Tested};
use crate::beat::{Beat, TICK_NS, now_ns};
use crate::realtime;
use crate::seam::{Doorbell, Recorded, SoundEnds, SoundOrder, SoundPulse, SoundReport};

/// Ticks between two reports of lateness: a second.
const REPORT_TICKS: usize = 50;
/// Packets of one port taken in one tick where more than one is looked for: 80 ms of sound.
const PACKETS_A_TICK: usize = 4;
/// Every so many ticks a port's socket is emptied even if one packet came as it should: a far end
/// whose clock is 0.5 % fast sends one packet more in 200 ticks.
const EMPTY_TICKS: u64 = 16;
/// Stale packets thrown away when a port is opened; the kernel's own queue holds fewer.
const STALE_MAX: usize = 2_048;

/// A port of the range could not be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "port {port} (setting ports.rtp) cannot be used: {source}; stop the other program or choose another range"
)]
pub struct BindError {
    /// UDP port.
    pub port: u16,
    /// What the system said.
    pub source: io::Error,
}

/// Binds the even ports of `first..=last`: sound port *i* is `first + 2 i`. RTCP's odd ports stay
/// unused (RFC 3550 §11).
///
/// # Errors
/// [`BindError`] for the first port that is taken.
pub fn bind_ports(listen: IpAddr, first: u16, last: u16) -> Result<Vec<UdpSocket>, BindError> {
    let ports = (first..=last).step_by(2).take(media::limits::PORTS);
    ports
        .map(|port| {
            let bound = UdpSocket::bind(SocketAddr::new(listen, port));
            let socket = bound.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
            socket.map_err(|source| BindError { port, source })
        })
        .collect()
}

/// Everything the sound thread is given at its birth.
pub struct Sound {
    /// The sockets of the sound ports, by number.
    pub sockets: Vec<UdpSocket>,
    /// Priority 1 to 99 of `SCHED_FIFO`, if wanted.
    pub realtime_priority: Option<u8>,
    /// Its ends of the rings.
    pub ends: SoundEnds,
    /// Rung when there are reports.
    pub bell: Doorbell,
    /// Its counters.
    pub pulse: Arc<SoundPulse>,
    /// The B-channels of the spans, in the order of the model.
    pub spans: Vec<Box<dyn board_port::Bearers>>,
}

impl Sound {
    /// Starts the thread. It ends after [`SoundOrder::Stop`].
    ///
    /// # Errors
    /// The system gave no thread.
    pub fn start(self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("sound".into()).spawn(move || {
            let priority = self.realtime_priority;
            let mut turn = Turn::new(self);
            prepare(priority);
            turn.run();
        })
    }
}

/// The last things that may wait or log.
fn prepare(priority: Option<u8>) {
    let Some(priority) = priority else { return };
    if let Err(error) = realtime::become_realtime(priority) {
        tracing::warn!(%error, "no real-time priority for sound: run with CAP_SYS_NICE for steady sound under load");
    }
    if let Err(error) = realtime::lock_memory() {
        tracing::warn!(%error, "memory is not locked: raise the limit of locked memory");
    }
}

/// Where the packets of one port go.
#[derive(Clone, Copy, Default)]
struct Remote {
    address: Option<SocketAddr>,
    /// The next packet that the engine takes tells the true address, whatever the SDP said (the far
    /// end is behind a translator). After it only the port may change: a stranger who finds our port
    /// must not be able to draw the call to another host.
    learning: bool,
    /// The last tick brought no packet, so this one may bring two.
    hungry: bool,
}

impl Remote {
    /// A packet that belongs to the call came from there.
    fn learn(&mut self, from: SocketAddr) {
        if self.learning || self.address.is_some_and(|known| known.ip() == from.ip()) {
            self.learning = false;
            self.address = Some(from);
        }
    }
}

struct Turn {
    engine: Engine,
    sockets: Vec<UdpSocket>,
    remotes: Vec<Remote>,
    /// Numbers of the open ports that have packets, in no order; its capacity is all ports.
    open: Vec<u16>,
    channels: Channels,
    beat: Beat,
    /// The span that beats the tick, as told last.
    master: Option<u8>,
    /// Recorders whose last block is in the engine; their end goes into the ring behind it.
    ended: Vec<RecorderId>,
    ends: SoundEnds,
    bell: Doorbell,
    pulse: Arc<SoundPulse>,
    tick: u64,
    late_us: [u32; REPORT_TICKS],
    lost_packets: u64,
    dropped: u64,
    stop: bool,
}

impl Turn {
    fn new(sound: Sound) -> Turn {
        let ports = sound.sockets.len();
        Turn {
            engine: Engine::new(Setup { ports, ..Setup::default() }),
            remotes: vec![Remote::default(); ports],
            open: Vec::with_capacity(ports),
            channels: Channels::new(sound.spans, ports),
            beat: Beat::new(),
            master: None,
            ended: Vec::with_capacity(media::limits::RECORDERS),
            sockets: sound.sockets,
            ends: sound.ends,
            bell: sound.bell,
            pulse: sound.pulse,
            tick: 0,
            late_us: [0; REPORT_TICKS],
            lost_packets: 0,
            dropped: 0,
            stop: false,
        }
    }

    fn run(&mut self) {
        while !self.stop {
            let (fd, waiting) =
                self.beat.master().map_or((None, 0), |span| self.channels.beat(span));
            let late = self.beat.wait(fd, waiting);
            self.note_lateness(late);
            self.turn();
            self.choose_master();
        }
    }

    /// A span that beats steadily is followed; the first of the model before the others.
    fn choose_master(&mut self) {
        if let Some(span) = self.channels.steadiest()
            && self.beat.master().is_none_or(|master| span < master)
        {
            self.beat.follow(span);
        }
    }

    fn turn(&mut self) {
        self.take_orders();
        self.receive();
        self.channels.receive(self.beat.master(), &mut self.engine);
        self.engine.tick();
        self.send();
        self.channels.send(&self.engine);
        self.give_blocks();
        let told = self.give_facts() | self.report_spans() | self.report_lateness();
        if told {
            self.bell.ring();
        }
        self.tick += 1;
        self.pulse.ticks.store(self.tick, Ordering::Relaxed);
    }

    fn take_orders(&mut self) {
        while let Some(order) = self.ends.orders.dequeue() {
            match order {
                SoundOrder::Media(command) => self.apply(command),
                SoundOrder::Remote { port, address } => {
                    if let Some(remote) = self.remotes.get_mut(port.index()) {
                        *remote = Remote { address, learning: true, hungry: true };
                    }
                }
                SoundOrder::Bearer { port, channel } => self.channels.connect(port, channel),
                SoundOrder::LoopTest { span, slot } => self.channels.test_loop((span, slot)),
                SoundOrder::Stop => self.stop = true,
            }
        }
    }

    fn apply(&mut self, command: Command) {
        if let Err(refusal) = self.engine.apply(command) {
            return self.report(SoundReport::Refused(refusal));
        }
        if let Command::OpenPort(open) = command {
            self.open.retain(|&other| other != open.port.0);
            if open.transport == Transport::Rtp {
                self.open_port(open.port);
            }
        } else if let Command::ClosePort(port) = command {
            self.open.retain(|&open| open != port.0);
            self.channels.disconnect(port);
        } else if let Command::StopRecorder(recorder) = command {
            self.ended.push(recorder);
        }
    }

    /// What lies in the socket from an earlier call must not be heard in this one.
    fn open_port(&mut self, port: PortId) {
        self.open.push(port.0);
        let Some(socket) = self.sockets.get(port.index()) else { return };
        let mut stale = [0u8; 1];
        for _ in 0..STALE_MAX {
            if socket.recv_from(&mut stale).is_err() {
                break;
            }
        }
    }

    fn receive(&mut self) {
        let now_us = (now_ns() / 1_000).unsigned_abs();
        let mut datagram = [0u8; media::limits::DATAGRAM + 1];
        for &number in &self.open {
            let port = PortId(number);
            let (Some(socket), Some(remote)) =
                (self.sockets.get(port.index()), self.remotes.get_mut(port.index()))
            else {
                continue;
            };
            // A call that finds nothing costs as much as one that finds a packet, so a second look is
            // taken only where a second packet is likely.
            let thorough =
                remote.hungry || (self.tick + u64::from(number)).is_multiple_of(EMPTY_TICKS);
            let looks = if thorough { PACKETS_A_TICK } else { 1 };
            remote.hungry = true;
            for _ in 0..looks {
                let Ok((length, from)) = socket.recv_from(&mut datagram) else { break };
                remote.hungry = false;
                let Some(bytes) = datagram.get(..length) else { continue };
                if self.engine.handle_packet(port, now_us, bytes).is_ok() {
                    remote.learn(from);
                }
            }
        }
    }

    fn send(&mut self) {
        for (port, bytes) in self.engine.packets() {
            let (Some(socket), Some(remote)) =
                (self.sockets.get(port.index()), self.remotes.get(port.index()))
            else {
                continue;
            };
            let Some(address) = remote.address else { continue };
            // A far end that has closed its socket answers with ICMP, which shows up here; its
            // silence is noticed by the media time-out.
            if socket.send_to(bytes, address).is_err() {
                self.lost_packets += 1;
            }
        }
    }

    fn give_blocks(&mut self) {
        while let Some(block) = self.engine.poll_block() {
            if self.ends.recorded.enqueue(Recorded::Block(*block)).is_err() {
                self.dropped += 1;
            }
        }
        // Kept for the next tick when the ring is full: an end must not be lost.
        let ends = &mut self.ends;
        self.ended.retain(|&recorder| ends.recorded.enqueue(Recorded::Ended(recorder)).is_err());
    }

    /// Returns whether there was anything to tell.
    fn give_facts(&mut self) -> bool {
        let mut told = false;
        while let Some(fact) = self.engine.poll_fact() {
            told = true;
            if let media::Fact::PortClosed { stats, .. } = fact {
                self.lost_packets += u64::from(stats.lost_ms / TICK_MS) + u64::from(stats.late);
            }
            let tick = self.tick;
            if self.ends.reports.enqueue(SoundReport::Fact { tick, fact }).is_err() {
                self.dropped += 1;
            }
        }
        told
    }

    fn note_lateness(&mut self, late_ns: i64) {
        let late_us = u32::try_from(late_ns / 1_000).unwrap_or(0);
        if let Some(slot) = self.late_us.get_mut(self.tick as usize % REPORT_TICKS) {
            *slot = late_us;
        }
        self.pulse.note_lateness(late_us);
        if late_ns > TICK_NS {
            self.pulse.overruns.fetch_add((late_ns / TICK_NS).unsigned_abs(), Ordering::Relaxed);
        }
    }

    /// Returns whether there was anything to tell.
    fn report_spans(&mut self) -> bool {
        let mut told = false;
        if self.master != self.beat.master() {
            self.master = self.beat.master();
            self.report(SoundReport::Master { span: self.master });
            told = true;
        }
        if let Some(Tested { channel: (span, slot), verdict }) = self.channels.tested() {
            self.report(SoundReport::LoopTest { span, slot, verdict });
            told = true;
        }
        told
    }

    fn report_lateness(&mut self) -> bool {
        if self.tick as usize % REPORT_TICKS != REPORT_TICKS - 1 {
            return false;
        }
        for (span, sound) in self.channels.changes() {
            if self.ends.reports.enqueue(SoundReport::Span { span, sound }).is_err() {
                self.dropped += 1;
            }
        }
        // The order within the second is of no more use.
        self.late_us.sort_unstable();
        let [.., worst] = self.late_us;
        let late_us =
            [self.late_us[REPORT_TICKS / 2], self.late_us[REPORT_TICKS * 99 / 100 - 1], worst];
        let (lost_packets, dropped) = (self.lost_packets, self.dropped);
        self.report(SoundReport::Lateness { late_us, lost_packets, dropped });
        true
    }

    fn report(&mut self, report: SoundReport) {
        if self.ends.reports.enqueue(report).is_err() {
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::rings;
    use media::{Codec, Ear, Gain, OpenPort, Source};
    use std::time::{Duration, Instant};

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// An even range of `count` ports that is free now.
    fn free_range(count: u16) -> (u16, u16) {
        (20_000..60_000)
            .step_by(64)
            .map(|first| (first, first + 2 * count - 1))
            .find(|&(first, last)| bind_ports(LOOPBACK, first, last).is_ok())
            .unwrap()
    }

    #[test]
    fn a_port_in_use_is_named_with_its_setting() {
        let (first, last) = free_range(2);
        let _taken = UdpSocket::bind((LOOPBACK, first + 2)).unwrap();
        let error = bind_ports(LOOPBACK, first, last).unwrap_err().to_string();
        assert!(error.contains(&format!("port {}", first + 2)), "{error}");
        assert!(error.contains("ports.rtp"), "{error}");
    }

    fn rtp(sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 8];
        packet.extend(sequence.to_be_bytes());
        packet.extend((u32::from(sequence) * 160).to_be_bytes());
        packet.extend(7u32.to_be_bytes());
        packet.extend([0x2a; 160]);
        packet
    }

    /// Two phones on two joined ports: what one says is heard by the other, at an address that was
    /// learned from its packets and not from its SDP.
    #[test]
    fn joined_ports_hear_each_other_over_real_sockets() {
        let (first, last) = free_range(2);
        let (mut reactor, sound_ends, _disk) = rings().unwrap();
        let (bell, _heard) = Doorbell::pair().unwrap();
        let pulse = Arc::new(SoundPulse::default());
        let sound = Sound {
            sockets: bind_ports(LOOPBACK, first, last).unwrap(),
            realtime_priority: None,
            ends: sound_ends,
            bell,
            pulse: pulse.clone(),
            spans: Vec::new(),
        };
        let thread = sound.start().unwrap();
        let phones = [0, 1].map(|_| UdpSocket::bind((LOOPBACK, 0)).unwrap());
        for phone in &phones {
            phone.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        }
        let nowhere = Some(SocketAddr::new(LOOPBACK, 9));
        let (a, b) = (PortId(0), PortId(1));
        for (port, address) in [(a, nowhere), (b, nowhere)] {
            let open = Command::OpenPort(OpenPort::new(port, Codec::Alaw, 1));
            reactor.orders.enqueue(SoundOrder::Media(open)).unwrap();
            reactor.orders.enqueue(SoundOrder::Remote { port, address }).unwrap();
        }
        for (ear, source) in [(a, b), (b, a)] {
            let hear = Command::Hear(Ear::Port(ear), Source::Port(source), Gain::UNITY);
            reactor.orders.enqueue(SoundOrder::Media(hear)).unwrap();
        }
        let until = Instant::now() + Duration::from_secs(10);
        let mut heard = 0;
        let mut sequence = 0;
        let mut packet = [0; 400];
        while heard < 5 && Instant::now() < until {
            phones[0].send_to(&rtp(sequence), (LOOPBACK, first)).unwrap();
            phones[1].send_to(&rtp(sequence), (LOOPBACK, first + 2)).unwrap();
            sequence += 1;
            if let Ok((length, from)) = phones[1].recv_from(&mut packet)
                && packet.get(12..length).is_some_and(|sound| sound == [0x2a; 160])
            {
                assert_eq!(from.port(), first + 2);
                heard += 1;
            }
        }
        assert_eq!(heard, 5);
        reactor.orders.enqueue(SoundOrder::Stop).unwrap();
        thread.join().unwrap();
        assert!(pulse.ticks() > 4);
    }
}
