//! The bare loop: when the first span's message has come, the messages of all spans are read, and
//! on every channel the block of its partner goes out. No jitter, no table, no sound looked at.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;

use board_port::BLOCK;
use board_port::block::LONGEST;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Counted, HEAD, PER_SPAN, Ready, partner_of, place_of, socket_of};
use crate::broken::{Broken, Doing};
use crate::socket;

/// Forwards until standard input ends.
pub fn run(folder: &Path, channels: usize) -> Result<(), Broken> {
    let spans = channels.div_ceil(PER_SPAN);
    let doors: Result<Vec<_>, Broken> =
        (0..spans).map(|span| socket::listen(&socket_of(folder, span))).collect();
    let line = link::frame::emit(&Ready { channels })?;
    io::stdout().write_all(&line).doing("answering the bench")?;
    let lines: Result<Vec<OwnedFd>, Broken> = doors?.iter().map(socket::accept).collect();
    let lines = lines?;
    let ended = thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
    });
    let mut came = vec![[0u8; LONGEST]; spans];
    let mut out = came.clone();
    while !ended.is_finished() {
        let Some(first) = lines.first() else { break };
        let mut beat = [PollFd::new(first.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut beat, PollTimeout::from(40u8)).doing("waiting for a span")?;
        turn(&lines, &mut came, &mut out, channels).doing("forwarding")?;
    }
    let line = link::frame::emit(&Counted::default())?;
    io::stdout().write_all(&line).doing("answering the bench")
}

fn turn(
    lines: &[OwnedFd],
    came: &mut [[u8; LONGEST]],
    out: &mut [[u8; LONGEST]],
    channels: usize,
) -> nix::Result<()> {
    for (line, came) in lines.iter().zip(came.iter_mut()) {
        let _ = socket::receive(line, came);
    }
    for channel in 0..channels {
        let (span, place) = place_of(channel);
        let (far_span, far_place) = place_of(partner_of(channel, channels));
        let at = |place: usize| HEAD + place * BLOCK..HEAD + (place + 1) * BLOCK;
        out[span][at(place)].copy_from_slice(&came[far_span][at(far_place)]);
    }
    for ((line, out), came) in lines.iter().zip(out.iter_mut()).zip(came.iter()) {
        out[..HEAD].copy_from_slice(&came[..HEAD]);
        socket::send(line, &out[..HEAD + PER_SPAN * BLOCK])?;
    }
    Ok(())
}
