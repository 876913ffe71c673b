//! The sound thread of switchd with attached spans, every channel joined with its partner.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use media::{Codec, Command, Ear, Gain, Listening, OpenPort, PortId, Source};
use switchd::seam::{Doorbell, ReactorEnds, SoundOrder, SoundPulse, SoundReport, rings};
use switchd::sound::{Sound, bind_ports};

use super::{Counted, PER_SPAN, Ready, partner_of, place_of, slot_of};
use crate::broken::{Broken, Doing};

/// Runs until standard input ends. `keys`: whether they are listened for on every channel.
pub fn run(folder: &Path, channels: usize, keys: bool) -> Result<(), Broken> {
    let spans = channels.div_ceil(PER_SPAN);
    let mut bearers = Vec::new();
    for span in 0..spans {
        let path = folder.join(format!("span{span}"));
        let parts = board_linux::attached::listen(&path, false);
        bearers.push(parts.map_err(|e| Broken::Switch(e.to_string()))?.bearers);
    }
    let (mut ends, sound_ends, _disk) = rings().doing("making rings")?;
    let (bell, _heard) = Doorbell::pair().doing("making a bell")?;
    let pulse = Arc::new(SoundPulse::default());
    let sound = Sound {
        sockets: some_ports(channels as u16)?,
        realtime_priority: None,
        ends: sound_ends,
        bell,
        pulse: Arc::clone(&pulse),
        spans: bearers,
    };
    let thread = sound.start().doing("starting the sound thread")?;
    for channel in 0..channels {
        connect(&mut ends, channel, channels, keys);
    }
    let line = link::frame::emit(&Ready { channels })?;
    io::stdout().write_all(&line).doing("answering the bench")?;
    let mut counted = Counted::default();
    let ended = std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
    });
    while !ended.is_finished() {
        std::thread::sleep(Duration::from_millis(200));
        drain(&mut ends, &mut counted);
    }
    order(&mut ends, SoundOrder::Stop);
    let _ = thread.join();
    drain(&mut ends, &mut counted);
    counted.overruns = pulse.overruns();
    let line = link::frame::emit(&counted)?;
    io::stdout().write_all(&line).doing("answering the bench")
}

/// Sockets that no channel uses: the sound thread has one for each of its ports.
fn some_ports(count: u16) -> Result<Vec<std::net::UdpSocket>, Broken> {
    let listen = std::net::Ipv4Addr::LOCALHOST.into();
    let free = (20_000..60_000)
        .step_by(1_024)
        .find_map(|first| bind_ports(listen, first, first + 2 * count - 1).ok());
    free.ok_or_else(|| Broken::Switch("no range of ports is free".to_owned()))
}

fn connect(ends: &mut ReactorEnds, channel: usize, channels: usize, keys: bool) {
    let (span, place) = place_of(channel);
    let (port, partner) = (port_of(channel), port_of(partner_of(channel, channels)));
    let listening = if keys { Listening::VoiceAndDigits } else { Listening::Off };
    let open = OpenPort { listening, ..OpenPort::bearer(port, Codec::Alaw) };
    order(ends, SoundOrder::Media(Command::OpenPort(open)));
    let at = Some((span as u8, slot_of(place)));
    order(ends, SoundOrder::Bearer { port, channel: at });
    if partner < port {
        for (ear, source) in [(port, partner), (partner, port)] {
            let hear = Command::Hear(Ear::Port(ear), Source::Port(source), Gain::UNITY);
            order(ends, SoundOrder::Media(hear));
        }
    }
}

const fn port_of(channel: usize) -> PortId {
    PortId(channel as u16)
}

/// The ring holds many times what is ordered here, and the thread empties it each tick.
fn order(ends: &mut ReactorEnds, order: SoundOrder) {
    while ends.orders.enqueue(order).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn drain(ends: &mut ReactorEnds, counted: &mut Counted) {
    let mut last = [(0, 0, 0); 4];
    while let Some(report) = ends.reports.dequeue() {
        if let SoundReport::Span { span, sound } = report
            && let Some(place) = last.get_mut(usize::from(span))
        {
            *place = (sound.underruns, sound.more, sound.slips);
        }
    }
    for (underruns, more, slips) in last {
        counted.underruns = counted.underruns.max(underruns);
        counted.more = counted.more.max(more);
        counted.slips = counted.slips.max(slips);
    }
}
