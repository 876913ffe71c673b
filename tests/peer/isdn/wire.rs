//! Our end of the D-channel: frames in and out, and what spoils them on the way.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use board_port::fcs;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{self, MsgFlags};

/// Percent of our frames, in the direction to the peer, that something happens to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Lost.
    pub drop: u64,
    /// Spoilt by a burst of up to 16 bits.
    pub corrupt: u64,
    /// Doubled, if numbered: no wire makes a second SABME.
    pub double: u64,
}

/// One D-channel.
pub struct Wire {
    socket: OwnedFd,
    fcs: bool,
    faults: Faults,
    seed: u64,
    cut: bool,
    /// Frames that came whose check sequence was wrong.
    pub bad_fcs: u64,
    /// The latest frames, ours or not, without check sequence.
    trace: VecDeque<(bool, Vec<u8>)>,
}

/// Frames that the trace keeps.
const TRACE_MAX: usize = 60;

impl Wire {
    pub(super) fn new(socket: OwnedFd, fcs: bool) -> Wire {
        let (faults, trace) = (Faults::default(), VecDeque::new());
        Wire { socket, fcs, faults, seed: 0, cut: false, bad_fcs: 0, trace }
    }

    /// From now on frames to the peer are spoilt by this seed.
    pub const fn spoil(&mut self, faults: Faults, seed: u64) {
        (self.faults, self.seed) = (faults, seed);
    }

    /// No frame passes, in neither direction; or frames pass again.
    pub const fn cut(&mut self, cut: bool) {
        self.cut = cut;
    }

    /// Sends a frame that has no check sequence.
    ///
    /// # Panics
    /// When the peer has gone or reads no more.
    pub fn send(&mut self, frame: &[u8]) {
        self.keep(true, frame);
        if self.cut || self.percent(self.faults.drop) {
            return;
        }
        let mut octets = frame.to_vec();
        if self.fcs {
            octets.extend(fcs::of(&octets).to_le_bytes());
        }
        if self.percent(self.faults.corrupt) {
            let dice = self.dice();
            let at = usize::try_from(dice >> 32).unwrap() % (octets.len() - 1);
            let [first, second, ..] = (dice | 1).to_le_bytes();
            octets[at] ^= first;
            octets[at + 1] ^= second;
        }
        let doubled = frame.get(2).is_some_and(|control| control & 3 != 3)
            && self.percent(self.faults.double);
        for _ in 0..=u8::from(doubled) {
            socket::send(self.socket.as_raw_fd(), &octets, MsgFlags::MSG_NOSIGNAL).unwrap();
        }
    }

    /// The next good frame, without check sequence, within `patience`.
    ///
    /// # Panics
    /// When the peer has gone.
    #[must_use]
    pub fn receive(&mut self, patience: Duration) -> Option<Vec<u8>> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !readable(&self.socket, left) {
                return None;
            }
            let mut octets = vec![0; 2_048];
            let flags = MsgFlags::MSG_DONTWAIT;
            let length = match socket::recv(self.socket.as_raw_fd(), &mut octets, flags) {
                Ok(length) => length,
                Err(Errno::EAGAIN | Errno::EINTR) => continue,
                Err(error) => panic!("the D-channel: {error}"),
            };
            assert!(length > 0, "the peer has closed the D-channel");
            octets.truncate(length);
            if self.cut {
                continue;
            }
            if self.fcs {
                match fcs::check(&octets) {
                    Some(frame) => octets.truncate(frame.len()),
                    None => {
                        self.bad_fcs += 1;
                        continue;
                    }
                }
            }
            self.keep(false, &octets);
            return Some(octets);
        }
    }

    /// The latest frames, one a line, for a test that fails.
    #[must_use]
    pub fn story(&self) -> String {
        let line = |(ours, frame): &(bool, Vec<u8>)| {
            let octets: String = frame.iter().map(|octet| format!(" {octet:02x}")).collect();
            format!("\n{}{octets}", if *ours { "tx" } else { "rx" })
        };
        self.trace.iter().map(line).collect()
    }

    fn keep(&mut self, ours: bool, frame: &[u8]) {
        if self.trace.len() == TRACE_MAX {
            self.trace.pop_front();
        }
        self.trace.push_back((ours, frame.to_vec()));
    }

    fn percent(&mut self, chance: u64) -> bool {
        chance > 0 && self.dice() % 100 < chance
    }

    /// SplitMix64.
    fn dice(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The peer that attaches within `patience`. The standard library accepts whatever kind the socket
/// has; the stream that it takes it for is only passed through.
pub(super) fn accept(listening: OwnedFd, patience: Duration) -> OwnedFd {
    assert!(readable(&listening, patience), "the peer did not attach");
    let (peer, _) = UnixListener::from(listening).accept().unwrap();
    peer.into()
}

fn readable(fd: &OwnedFd, patience: Duration) -> bool {
    // Rounded up, so that a wait of half a millisecond does not spin.
    let ms = u16::try_from(patience.as_micros().div_ceil(1_000)).unwrap_or(u16::MAX);
    let mut on = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    match poll(&mut on, PollTimeout::from(ms)) {
        Ok(count) => count > 0,
        Err(Errno::EINTR) => false,
        Err(error) => panic!("poll: {error}"),
    }
}
