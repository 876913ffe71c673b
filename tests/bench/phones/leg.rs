//! One telephone's sound: a socket, a mouth, an ear.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::limits::PACKET_BYTES;
use crate::voice::{Ear, Mouth, Spoken};

/// Packets taken at one look: what a stalled machine may have piled up.
const PACKETS_A_LOOK: usize = 64;

/// One leg.
pub struct Leg {
    /// Its sound socket.
    pub socket: UdpSocket,
    /// Where it is bound.
    pub address: SocketAddr,
    /// What it heard.
    pub ear: Ear,
    /// To whom it talks.
    pub to: Option<SocketAddr>,
    mouth: Mouth,
    number: usize,
}

impl Leg {
    /// Leg `number` at a free port of `ip`.
    pub fn new(ip: IpAddr, number: usize) -> io::Result<Leg> {
        let socket = UdpSocket::bind((ip, 0))?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(Leg {
            socket,
            address,
            ear: Ear::default(),
            to: None,
            mouth: Mouth::new(number),
            number,
        })
    }

    /// The other leg of its call.
    pub fn other(&self) -> usize {
        self.number ^ 1
    }

    /// A call begins.
    pub fn talk_to(&mut self, to: SocketAddr) {
        self.ear.restart();
        self.to = Some(to);
    }

    /// Says frame `k`, if it talks. Whether a packet went out.
    pub fn say(&mut self, k: u64) -> bool {
        let Some(to) = self.to else { return false };
        self.socket.send_to(self.mouth.say(k), to).is_ok()
    }

    /// Takes all that has come in. The delays of frames that are new, and when the first of them
    /// was here.
    pub fn listen(&mut self, spoken: &Spoken, delays: &mut Vec<Duration>) -> Option<Instant> {
        let mut first = None;
        let mut packet = [0; PACKET_BYTES + 1];
        let other = self.other();
        for _ in 0..PACKETS_A_LOOK {
            let Ok(length) = self.socket.recv(&mut packet) else { break };
            let now = Instant::now();
            let Some(bytes) = packet.get(..length) else { continue };
            if let Some(delay) = self.ear.hear(bytes, other, spoken, now) {
                delays.push(delay);
                first.get_or_insert(now);
            }
        }
        first
    }
}
