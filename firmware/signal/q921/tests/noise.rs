//! One link against everything that the world can do to it, in no order.

use super::*;

/// Any octets, mostly close to a frame.
fn octets(dice: &mut Dice) -> Vec<u8> {
    let length = match dice.below(20) {
        0 => dice.below(4),
        1 => 250 + dice.below(20),
        _ => 3 + dice.below(4),
    };
    let mut octets: Vec<u8> = (0..length).map(|_| dice.next().to_le_bytes()[0]).collect();
    if dice.percent(90) {
        for (octet, value) in octets.iter_mut().zip([dice.next().to_le_bytes()[0] & 2, 1]) {
            *octet = value;
        }
    }
    let controls = [0x7F, 0x73, 0x63, 0x53, 0x1F, 0x0F, 0x97, 0x03, 0xAF, 0x01, 0x05, 0x09];
    if let Some(control) = octets.get_mut(2)
        && dice.percent(60)
    {
        *control = controls[usize::try_from(dice.below(12)).unwrap()];
    }
    // Sequence numbers near the beginning meet a living link more often.
    let small = u8::try_from(dice.below(8)).unwrap();
    if let Some(number) = octets.get_mut(3)
        && dice.percent(60)
    {
        *number = small;
    }
    octets
}

#[test]
fn a_hundred_thousand_happenings_leave_a_link_sound_and_small() {
    let mut dice = Dice(0x0921);
    let mut link = Link::new(Role::Network, Settings::default());
    let mut now = Tick::ZERO;
    let mut states = [0_u32; 9];
    for _ in 0..100_000 {
        match dice.below(100) {
            0..=14 => link.handle_frame(now, &octets(&mut dice)),
            // A decent peer now and then, or the link would hardly live.
            15..=44 => {
                let nr = link.snapshot().vs;
                let heard = frame(&format!("RR r{} {nr}", dice.below(2)));
                link.handle_frame(now, &heard.encode(Role::User));
            }
            45..=46 => link.handle_request(now, Request::Establish),
            47..=76 => link.handle_frame(now, &frame("UA1").encode(Role::User)),
            77 => link.handle_request(now, Request::Release),
            78 => link.handle_layer1(now, dice.percent(80)),
            79 => link.handle_request(now, Request::Busy(dice.percent(30))),
            80 => link.handle_request(now, Request::UnitData(vec![1; 300])),
            81..=89 => link.handle_request(now, Request::Data(vec![1; 20])),
            _ => {
                if let Some((at, _)) = link.next_timeout() {
                    now = at;
                    link.handle_timeout(now);
                }
            }
        }
        assert_sound(&link);
        assert!(drain(&mut link).len() <= 16);
        states[usize::from(link.snapshot().state.number())] += 1;
    }
    assert!(states[4..].iter().all(|n| *n > 1_000), "{states:?}");
    let counters = link.snapshot().counters;
    assert!(Code::ALL.into_iter().filter(|c| *c != Code::H).all(|c| counters.errors.of(c) > 0));
}
