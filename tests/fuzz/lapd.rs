//! Q.921 frames, and a link that is given any frames in any order.

use board_port::fcs;
use call::Tick;
use signal::limits::{Q921_N201_MAX, Q921_QUEUE_MAX};
use signal::q921::{Frame, Link, Output, Request, Role, Settings};

/// A frame that is understood is written again octet by octet; its check sequence fits, and no
/// longer fits with a bit turned.
///
/// # Panics
/// When it does not hold.
pub fn q921_frame(octets: &[u8]) {
    for sender in [Role::User, Role::Network] {
        if let Ok(frame) = Frame::decode(octets, sender, Q921_N201_MAX) {
            assert_eq!(frame.encode(sender), octets, "{frame:?}");
        }
    }
    if let Some(frame) = fcs::check(octets) {
        let mut again = frame.to_vec();
        again.extend(fcs::of(&again).to_le_bytes());
        assert_eq!(again, octets);
    }
    let mut checked = octets.to_vec();
    checked.extend(fcs::of(&checked).to_le_bytes());
    assert_eq!(fcs::check(&checked), Some(octets));
    if let Some(first) = checked.first_mut() {
        *first ^= 0x10;
    }
    assert_eq!(fcs::check(&checked), None);
}

/// Frames that one step may bring out: a whole window again, and a few answers.
const OUTPUTS_A_STEP: usize = 256;

/// Reads the octets as a play: each step is a kind, a length, and what it needs. Whatever the peer
/// sends and layer 3 asks, the link stays within its bounds, sends only frames that its peer can
/// read, and its timers lie ahead.
///
/// # Panics
/// When it does not hold.
pub fn q921_link(octets: &[u8]) {
    let Some((first, mut rest)) = octets.split_first() else { return };
    let role = if first & 1 == 0 { Role::User } else { Role::Network };
    let mut link = Link::new(role, Settings { k: first >> 1, ..Settings::default() });
    let mut now = Tick(1_000);
    link.handle_layer1(now, true);
    while let [kind, length, behind @ ..] = rest {
        let (given, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        rest = behind;
        match kind % 10 {
            0..=3 => link.handle_frame(now, given),
            // A frame for us, whose address need not be found by chance.
            4 => link.handle_frame(now, &[&[address(role)][..], &[1], given].concat()),
            5 => link.handle_request(now, Request::Establish),
            6 => link.handle_request(now, Request::Data(given.to_vec())),
            7 => link.handle_request(now, Request::Busy(length & 1 == 1)),
            8 if *length < 8 => link.handle_request(now, Request::Release),
            8 if *length < 16 => link.handle_layer1(now, length & 1 == 1),
            _ => {
                if let Some((at, _)) = link.next_timeout() {
                    now = at;
                    link.handle_timeout(now);
                }
            }
        }
        drain(&mut link, role);
        assert!(link.snapshot().queued <= Q921_QUEUE_MAX);
        assert!(link.next_timeout().is_none_or(|(at, _)| at > now));
    }
}

/// Octet 1 of a command of the far end.
const fn address(role: Role) -> u8 {
    match role {
        Role::User => 2,
        Role::Network => 0,
    }
}

fn drain(link: &mut Link, role: Role) {
    for _ in 0..OUTPUTS_A_STEP {
        let Some(output) = link.poll() else { return };
        if let Output::Send(octets) = output {
            let frame = Frame::decode(&octets, role, Q921_N201_MAX);
            assert!(frame.is_ok(), "{frame:?} of {octets:02x?}");
        }
    }
    unreachable!("a step brings out more than {OUTPUTS_A_STEP}");
}
