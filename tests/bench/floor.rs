//! The floor: the least CPU that the same work costs a process on this machine, with the simplest
//! program that can do it. Run as processes of their own and watched as the switch is.
//!
//! * [`forward`]: two sockets a call; every 20 ms each socket is read until it is empty and what
//!   came in goes out at the other. Recording decodes both sides and appends 20 ms of interleaved
//!   linear stereo to a file of the call, buffered by 64 KiB. No jitter buffer, no mixing, no seal.
//! * [`exchange`]: datagrams of a call set-up sent and their answers awaited, with nothing read or
//!   remembered of them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::broken::{Broken, Doing};
use crate::cpu;
use crate::limits::{PACKET_BYTES, TICK};

/// Samples of a packet.
const SAMPLES: usize = 160;
/// What the files buffer.
const BUFFER_BYTES: usize = 65_536;
/// Length of the datagrams of an exchange: about the mean of INVITE, 180, 200, ACK, BYE, 200.
const DATAGRAM_BYTES: usize = 600;
/// Requests of ours in one set-up: INVITE, ACK, BYE; and the answers to them: 180, 200, 200.
const REQUESTS: usize = 3;
/// Pieces into which a second's set-ups are cut.
const PIECES_A_SECOND: u32 = 100;

/// First line of the part `floor`: where its legs receive.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listening {
    /// By leg.
    pub legs: Vec<SocketAddr>,
}

/// Last line of the part `floor`: how late each of its ticks began, µs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Late {
    /// Tick by tick.
    pub late_us: Vec<u32>,
}

/// What the part `exchange` says at its end.
#[derive(Debug, Serialize, Deserialize)]
pub struct Exchanged {
    /// Set-ups made.
    pub calls: u32,
    /// CPU for one, ms.
    pub cpu_ms: f64,
}

struct Tape {
    file: BufWriter<File>,
    path: PathBuf,
    left: [i16; SAMPLES],
    right: [i16; SAMPLES],
}

/// Forwards between `2 * calls` legs until standard input ends, recording into `folder` if there is
/// one. The phones are learned from their first packet, as symmetric RTP would.
pub fn forward(calls: usize, folder: Option<&Path>) -> Result<(), Broken> {
    let legs = (0..2 * calls).map(|_| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    let legs = legs.collect::<io::Result<Vec<UdpSocket>>>().doing("binding the floor's ports")?;
    let addresses = legs.iter().map(UdpSocket::local_addr).collect::<io::Result<Vec<_>>>();
    let listening = Listening { legs: addresses.doing("reading the floor's ports")? };
    let mut tapes = Vec::new();
    for call in 0..folder.map_or(0, |_| calls) {
        let path = folder.unwrap_or(Path::new(".")).join(format!("{call}.raw"));
        let file = File::create(&path).doing("making a raw recording")?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        tapes.push(Tape { file, path, left: [0; SAMPLES], right: [0; SAMPLES] });
    }
    let line = link::frame::emit(&listening)?;
    io::stdout().write_all(&line).doing("answering the bench")?;
    let ended = thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
    });
    let linear = linear_of_alaw();
    let mut far: Vec<Option<SocketAddr>> = vec![None; legs.len()];
    let mut due = Instant::now();
    let mut late_us = Vec::new();
    while !ended.is_finished() {
        due += TICK;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        late_us.push(due.elapsed().as_micros() as u32);
        turn(&legs, &mut far, &mut tapes, &linear).doing("writing a raw recording")?;
    }
    for tape in tapes {
        let _ = std::fs::remove_file(tape.path);
    }
    let line = link::frame::emit(&Late { late_us })?;
    io::stdout().write_all(&line).doing("answering the bench")
}

fn turn(
    legs: &[UdpSocket],
    far: &mut [Option<SocketAddr>],
    tapes: &mut [Tape],
    linear: &[i16; 256],
) -> io::Result<()> {
    let mut packet = [0; PACKET_BYTES];
    for (number, leg) in legs.iter().enumerate() {
        while let Ok((length, from)) = leg.recv_from(&mut packet) {
            far[number] = Some(from);
            if let Some(tape) = tapes.get_mut(number / 2) {
                let channel = if number % 2 == 0 { &mut tape.left } else { &mut tape.right };
                for (sample, code) in channel.iter_mut().zip(&packet[12..]) {
                    *sample = linear[usize::from(*code)];
                }
            }
            if let Some(to) = far[number ^ 1] {
                let _ = legs[number ^ 1].send_to(&packet[..length], to);
            }
        }
    }
    let mut stereo = [0; 4 * SAMPLES];
    for tape in tapes {
        for (frame, (left, right)) in
            stereo.chunks_exact_mut(4).zip(tape.left.iter().zip(&tape.right))
        {
            frame[..2].copy_from_slice(&left.to_le_bytes());
            frame[2..].copy_from_slice(&right.to_le_bytes());
        }
        tape.file.write_all(&stereo)?;
    }
    Ok(())
}

/// ITU-T G.711 table 1a, as 16-bit values.
fn linear_of_alaw() -> [i16; 256] {
    std::array::from_fn(|code| {
        let even = (code as i16) ^ 0x55;
        let segment = (even & 0x70) >> 4;
        let step = ((even & 15) << 4) + 8;
        let size = match segment {
            0 => step,
            1 => step + 0x100,
            _ => (step + 0x100) << (segment - 1),
        };
        if even & 0x80 == 0 { -size } else { size }
    })
}

/// Makes `calls` exchanges of a set-up's datagrams with `echo`, `rate` a second, and says what they
/// cost.
pub fn exchange(echo: SocketAddr, rate: u32, calls: u32) -> Result<(), Broken> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).doing("binding a port")?;
    let lost = Some(Duration::from_millis(500));
    socket.set_read_timeout(lost).doing("setting a time-out")?;
    let mut datagram = [b'x'; DATAGRAM_BYTES];
    let me = std::process::id();
    let before = cpu::used(me)?;
    let piece = Duration::from_secs(1) / PIECES_A_SECOND;
    let mut due = Instant::now();
    let mut made = 0;
    while made < calls {
        due += piece;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        for _ in 0..rate.div_ceil(PIECES_A_SECOND).min(calls - made) {
            for _ in 0..REQUESTS {
                let _ = socket.send_to(&datagram, echo);
                let _ = socket.recv_from(&mut datagram);
            }
            made += 1;
        }
    }
    let cpu_ms = (cpu::used(me)? - before).as_secs_f64() * 1_000.0 / f64::from(made.max(1));
    let line = link::frame::emit(&Exchanged { calls: made, cpu_ms })?;
    io::stdout().write_all(&line).doing("answering the bench")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_values_of_the_standard() {
        let linear = linear_of_alaw();
        assert_eq!((linear[0xd5], linear[0x55]), (8, -8));
        assert_eq!((linear[0xaa], linear[0x2a]), (32_256, -32_256));
        let mut sorted = linear.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 256);
    }

    #[test]
    fn what_one_leg_says_the_other_hears_and_the_tape_keeps() {
        let sockets: Vec<UdpSocket> =
            (0..4).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let (legs, phones) = sockets.split_at(2);
        legs.iter().for_each(|leg| leg.set_nonblocking(true).unwrap());
        let far_of = |n: usize| Some(phones[n].local_addr().unwrap());
        let mut far = [far_of(0), far_of(1)];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.raw");
        let file = BufWriter::new(File::create(&path).unwrap());
        let (left, right) = ([0; SAMPLES], [0; SAMPLES]);
        let mut tapes = [Tape { file, path: path.clone(), left, right }];
        let mut packet = [0xaa; PACKET_BYTES];
        phones[0].send_to(&packet, legs[0].local_addr().unwrap()).unwrap();
        turn(legs, &mut far, &mut tapes, &linear_of_alaw()).unwrap();
        phones[1].set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        packet.fill(0);
        assert_eq!(phones[1].recv(&mut packet).unwrap(), PACKET_BYTES);
        assert_eq!(packet[100], 0xaa);
        tapes[0].file.flush().unwrap();
        let tape = std::fs::read(path).unwrap();
        assert_eq!((tape.len(), &tape[..4]), (640, &[0, 126, 0, 0][..]));
    }
}
