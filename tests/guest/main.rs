//! The driver on a real kernel: runs in the guest that `run.sh` boots.
//!
//! DAHDI's dynamic spans stand in for cards. Spans 1 and 2 face each other inside the kernel
//! (`loc`), spans 3 and 4 over a pair of virtual Ethernet ports (`eth`), whose link is the cable
//! that can be pulled. Our driver holds 1 and 3; on 2 and 4 is what we did not write: libpri on
//! the D-channel, a test pattern on the B-channels, configured by DAHDI's own `dahdi_cfg`.
//!
//! Says what it saw, one line a step, and ends with a panic at the first thing that is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(clippy::wildcard_enum_match_arm)]

mod alarms;
mod calls;
mod far;
mod line;
mod pattern;
mod sound;
mod upkeep;

use board_linux::dahdi::{self, Settings};
use signal::q921::Role;

use far::Exchange;
use line::Line;

/// Our span inside the kernel, and the channel in slot 1 of the one that it faces.
const INSIDE: (u16, u8) = (1, 32);
/// Our span with a cable, and the channel in slot 1 of the one that it faces.
const CABLE: (u16, u8) = (3, 94);

fn main() {
    far::make_spans();
    // The first opening gives all four spans their numbers: nobody has done it before.
    let inside = dahdi::open(Settings::of(INSIDE.0)).unwrap_or_else(|e| panic!("span 1: {e}"));
    let cable = dahdi::open(Settings::of(CABLE.0)).unwrap_or_else(|e| panic!("span 3: {e}"));
    println!("test: two spans found, numbered, configured and opened by the driver alone");
    upkeep::what_is_not_there();
    far::configure();

    let mut exchange = Exchange::start("net", INSIDE.1);
    let mut line = Line::new(inside, Role::User);
    line.wait_for_link(&mut exchange);
    println!("test: a D-channel over the kernel's HDLC, we the user and libpri the network");
    calls::both_ways_with_sound(&mut line, &mut exchange);
    upkeep::loops_and_cancellers(&mut line);
    upkeep::stop_and_start(&mut line, &mut exchange);
    drop((line, exchange));

    let mut exchange = Exchange::start("cpe", CABLE.1);
    let mut line = Line::new(cable, Role::Network);
    line.wait_for_link(&mut exchange);
    println!("test: the other way round, we the network and libpri the user");
    alarms::a_pulled_cable_in_the_middle_of_a_talk(&mut line, &mut exchange);
    println!("test: done");
}
