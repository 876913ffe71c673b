//! Q.921 Annex B and D, row by row: situation, happening, what is said, state afterwards.

use super::*;

/// Happenings that lead to a situation.
const SITUATIONS: &[(&str, &str)] = &[
    ("4", ""),
    // Layer 3 asked.
    ("5", "est"),
    // Layer 2 repairs: with two frames out, with nothing out.
    ("5+", "est; UA1; data; data; FRMR1"),
    ("5-", "est; UA1; FRMR1"),
    ("6", "est; UA1; rel"),
    ("7", "est; UA1"),
    // Two frames out; a window full and one waiting.
    ("7+", "est; UA1; data; data"),
    ("7w", "est; UA1; data; data; data; data; data; data; data; data"),
    ("7p", "est; UA1; RNR r0 0"),
    ("7o", "est; UA1; busy"),
    // A frame of the peer is missing.
    ("7r", "est; UA1; I 1 0 0"),
    ("8", "est; UA1; due"),
    ("8+", "est; UA1; data; data; due"),
    ("8o", "est; UA1; busy; due"),
    ("8N", "est; UA1; data; due; due; due"),
    ("5N", "est; due; due; due"),
    ("6N", "est; UA1; rel; due; due; due"),
];

#[track_caller]
fn rows(rows: &[(&str, &str, &str, u8)]) {
    for (situation, event, said, state) in rows {
        let name = |(name, _): &&(&str, &str)| name == situation;
        let (_, way) = SITUATIONS.iter().find(name).unwrap();
        let mut talk = Talk::new();
        talk.after(way).does(event);
        let heard = talk.said();
        let after = talk.link.snapshot();
        assert_eq!((heard.as_str(), after.state.number()), (*said, *state), "{situation}: {event}");
    }
}

#[test]
fn in_state_4_as_figure_b4() {
    rows(&[
        ("4", "est", "SABME1", 5),
        ("4", "rel", "down Request", 4),
        ("4", "data", "nolink", 4),
        ("4", "unit", "UI", 4),
        ("4", "long", "long", 4),
        ("4", "down", "", 4),
        ("4", "busy", "", 4),
        ("4", "SABME1", "UA1, up Peer", 7),
        ("4", "SABME0", "UA0, up Peer", 7),
        ("4", "DISC1", "DM1", 4),
        ("4", "DISC0", "DM0", 4),
        ("4", "UA1", "!C", 4),
        ("4", "UA0", "!D", 4),
        ("4", "DM1", "", 4),
        ("4", "DM0", "SABME1", 5),
        ("4", "UI", "unit", 4),
        ("4", "XID", "", 4),
        ("4", "FRMR1", "", 4),
        ("4", "RR c1 0", "", 4),
        ("4", "REJ r0 0", "", 4),
        ("4", "RNR r1 0", "", 4),
        ("4", "I 0 0 1", "", 4),
        ("4", "bad", "!L", 4),
    ]);
}

#[test]
fn in_state_5_as_figure_b5() {
    rows(&[
        ("5", "est", "", 5),
        ("5", "rel", "", 5),
        ("5", "data", "nolink", 5),
        ("5", "unit", "UI", 5),
        ("5", "down", "down Layer1", 4),
        ("5", "due", "SABME1", 5),
        ("5N", "due", "!G, down NoAnswer", 4),
        ("5", "SABME1", "UA1", 5),
        ("5", "DISC1", "DM1", 5),
        ("5", "UA1", "up Request", 7),
        ("5", "UA0", "!D", 5),
        ("5", "DM1", "down Refused", 4),
        ("5", "DM0", "", 5),
        ("5", "UI", "unit", 5),
        ("5", "FRMR1", "", 5),
        ("5", "RR c1 0", "", 5),
        ("5", "I 0 0 0", "", 5),
        ("5", "bad", "!L", 5),
        // Repairing: layer 3 hears of it only if something is lost, and may go on giving.
        ("5+", "UA1", "up Recovery", 7),
        ("5-", "UA1", "", 7),
        ("5-", "data", "", 5),
        ("5+", "est", "", 5),
        ("5+", "DM1", "down Refused", 4),
    ]);
}

#[test]
fn in_state_6_as_figure_b6() {
    rows(&[
        ("6", "data", "nolink", 6),
        ("6", "unit", "UI", 6),
        ("6", "down", "down Request", 4),
        ("6", "due", "DISC1", 6),
        ("6N", "due", "!H, down Request", 4),
        ("6", "SABME1", "DM1", 6),
        ("6", "DISC1", "UA1", 6),
        ("6", "UA1", "down Request", 4),
        ("6", "UA0", "!D", 6),
        ("6", "DM1", "down Request", 4),
        ("6", "DM0", "", 6),
        ("6", "UI", "unit", 6),
        ("6", "RR c1 0", "", 6),
        ("6", "I 0 0 0", "", 6),
        ("6", "FRMR1", "", 6),
        ("6", "bad", "!L", 6),
    ]);
}

#[test]
fn in_state_7_as_figure_b7() {
    rows(&[
        ("7", "est", "SABME1", 5),
        ("7", "rel", "DISC1", 6),
        ("7", "data", "I 0 0 0", 7),
        ("7w", "data", "", 7),
        ("7p", "data", "", 7),
        ("7", "unit", "UI", 7),
        ("7", "busy", "RNR r0 0", 7),
        ("7o", "busy", "", 7),
        ("7o", "ready", "RR r0 0", 7),
        ("7", "ready", "", 7),
        ("7", "down", "down Layer1", 4),
        ("7+", "down", "down Layer1", 4),
        ("7", "due", "RR c1 0", 8),
        ("7o", "due", "RNR c1 0", 8),
        ("7+", "due", "RR c1 0", 8),
        ("7p", "due", "RR c1 0", 8),
        ("7", "SABME1", "UA1, !F", 7),
        ("7+", "SABME1", "UA1, !F, up Peer", 7),
        // A full window's waiting frame goes with the rest: layer 3 is told.
        ("7w", "SABME1", "UA1, !F, up Peer", 7),
        ("7o", "SABME1", "UA1, !F, RNR r0 0", 7),
        ("7", "DISC1", "UA1, down Peer", 4),
        ("7", "DISC0", "UA0, down Peer", 4),
        ("7", "UA1", "!C", 7),
        ("7", "UA0", "!D", 7),
        ("7", "DM1", "!B", 7),
        ("7", "DM0", "!E, SABME1", 5),
        ("7", "UI", "unit", 7),
        ("7", "XID", "", 7),
        ("7", "FRMR1", "!K, SABME1", 5),
        ("7", "bad", "!L, SABME1", 5),
        // Acknowledgement.
        ("7+", "RR r0 0", "", 7),
        ("7+", "RR r0 1", "", 7),
        ("7+", "RR r0 2", "", 7),
        ("7+", "RR r0 3", "!J, SABME1", 5),
        ("7+", "RR r0 127", "!J, SABME1", 5),
        ("7w", "RR r0 2", "I 7 0 0", 7),
        ("7p", "RR r0 0", "", 7),
        ("7", "RR c1 0", "RR r1 0", 7),
        ("7", "RR c0 0", "", 7),
        ("7o", "RR c1 0", "RNR r1 0", 7),
        ("7", "RR r1 0", "!A", 7),
        // Rejection.
        ("7+", "REJ r0 0", "I 0 0 0, I 1 0 0", 7),
        ("7+", "REJ r0 1", "I 1 0 0", 7),
        ("7+", "REJ c1 1", "RR r1 0, I 1 0 0", 7),
        ("7+", "REJ r1 1", "!A, I 1 0 0", 7),
        ("7w", "REJ r0 6", "I 6 0 0, I 7 0 0", 7),
        ("7+", "REJ r0 3", "!J, SABME1", 5),
        // The peer is busy.
        ("7+", "RNR r0 1", "", 7),
        ("7+", "RNR c1 1", "RR r1 0", 7),
        ("7", "RNR r1 0", "!A", 7),
        ("7+", "RNR r0 3", "!J, SABME1", 5),
        // Information.
        ("7", "I 0 0 0", "data, RR r0 1", 7),
        ("7", "I 0 0 1", "data, RR r1 1", 7),
        ("7", "I 1 0 0", "REJ r0 0", 7),
        ("7", "I 1 0 1", "REJ r1 0", 7),
        ("7r", "I 2 0 0", "", 7),
        ("7r", "I 2 0 1", "RR r1 0", 7),
        ("7r", "I 0 0 0", "data, RR r0 1", 7),
        ("7o", "I 0 0 0", "", 7),
        ("7o", "I 0 0 1", "RNR r1 0", 7),
        ("7+", "I 0 2 0", "data, RR r0 1", 7),
        ("7+", "I 0 1 0", "data, RR r0 1", 7),
        ("7+", "I 0 3 0", "data, !J, SABME1", 5),
        ("7w", "I 0 1 0", "data, I 7 1 0", 7),
    ]);
}

#[test]
fn in_state_8_as_figure_b8() {
    rows(&[
        ("8", "est", "SABME1", 5),
        ("8", "rel", "DISC1", 6),
        ("8", "data", "", 8),
        ("8", "unit", "UI", 8),
        ("8", "busy", "RNR r0 0", 8),
        ("8o", "ready", "RR r0 0", 8),
        ("8+", "down", "down Layer1", 4),
        ("8", "due", "RR c1 0", 8),
        ("8o", "due", "RNR c1 0", 8),
        ("8N", "due", "!I, SABME1", 5),
        ("8", "SABME1", "UA1, !F", 7),
        ("8+", "SABME1", "UA1, !F, up Peer", 7),
        ("8", "DISC1", "UA1, down Peer", 4),
        ("8", "UA1", "!C", 8),
        ("8", "UA0", "!D", 8),
        ("8", "DM1", "!B, SABME1", 5),
        ("8", "DM0", "!E, SABME1", 5),
        ("8", "FRMR1", "!K, SABME1", 5),
        ("8", "bad", "!L, SABME1", 5),
        ("8", "UI", "unit", 8),
        // Only an answer ends it, and repeats what it leaves out.
        ("8", "RR r1 0", "", 7),
        ("8+", "RR r1 2", "", 7),
        ("8+", "RR r1 1", "I 1 0 0", 7),
        ("8+", "RR r1 0", "I 0 0 0, I 1 0 0", 7),
        ("8+", "RR r1 3", "!J, SABME1", 5),
        ("8+", "RR r0 2", "", 8),
        ("8+", "RR c0 2", "", 8),
        ("8+", "RR c1 1", "RR r1 0", 8),
        ("8+", "RR c1 3", "RR r1 0, !J, SABME1", 5),
        ("8+", "REJ r1 1", "I 1 0 0", 7),
        ("8+", "REJ r0 1", "", 8),
        ("8+", "REJ c1 0", "RR r1 0", 8),
        ("8+", "RNR r1 1", "", 7),
        ("8+", "RNR r0 1", "", 8),
        ("8+", "RNR c1 1", "RR r1 0", 8),
        ("8o", "RNR c1 0", "RNR r1 0", 8),
        ("8+", "RNR r1 3", "!J, SABME1", 5),
        ("8", "I 0 0 0", "data, RR r0 1", 8),
        ("8", "I 0 0 1", "data, RR r1 1", 8),
        ("8", "I 1 0 0", "REJ r0 0", 8),
        ("8o", "I 0 0 1", "RNR r1 0", 8),
        ("8+", "I 0 2 0", "data, RR r0 1", 8),
        ("8+", "I 0 3 0", "data, !J, SABME1", 5),
    ]);
}

#[test]
fn a_dead_peer_is_asked_three_times_and_then_given_up() {
    let mut t = Talk::new();
    t.does("est").says("SABME1");
    let mut at = Vec::new();
    while let Some((due, timer)) = t.link.next_timeout() {
        assert_eq!(timer, Timer::T200);
        at.push(due.0);
        t.does("due");
    }
    assert_eq!(at, [1_000, 2_000, 3_000, 4_000]);
    t.says("SABME1, SABME1, SABME1, !G, down NoAnswer");
}

#[test]
fn the_slow_answer_to_a_repeated_sabme_begins_the_peers_numbers_again() {
    let mut t = Talk::new();
    // The peer was slow: it has both SABME before it answers the first, and speaks between.
    t.after("est; due; UA1").does("I 0 0 0").says("data, RR r0 1").does("data").says("I 0 1 0");
    t.does("UA1").says("!C").does("I 0 0 0").says("data, RR r0 1").does("RR r0 1").says("");
    // Behind an acknowledgement of ours no more of them can be due.
    t.does("UA1").says("!C").does("I 1 1 0").says("data, RR r0 2");
    // A link that came up at once knows of no second answer.
    let mut t = Talk::new();
    t.after("est; UA1; I 0 0 0").does("UA1").says("!C").does("I 1 0 0").says("data, RR r0 2");
}

#[test]
fn a_silent_link_is_asked_after_10_seconds_and_an_answer_is_enough() {
    let mut t = Talk::new();
    t.after("est; UA1");
    assert_eq!(t.link.next_timeout(), Some((Tick(10_000), Timer::T203)));
    t.does("due").says("RR c1 0").does("RR r1 0").says("");
    assert_eq!(t.link.next_timeout(), Some((Tick(20_000), Timer::T203)));
    // Asked again after 20, 21, 22 and 23 s, established anew from 24 s on.
    t.does("due").says("RR c1 0").does("due").says("RR c1 0").does("due").says("RR c1 0");
    t.does("due").says("RR c1 0").does("due").says("!I, SABME1");
    assert_eq!(t.now, Tick(24_000));
}

#[test]
fn an_unacknowledged_message_is_asked_for_and_sent_again() {
    let mut t = Talk::new();
    t.after("est; UA1").does("data").says("I 0 0 0").does("due").says("RR c1 0");
    t.does("RR r1 0").says("I 0 0 0").does("RR r0 1").says("");
    let seen = t.link.snapshot();
    assert_eq!((seen.counters.information_out, seen.counters.retransmitted), (1, 1));
    assert_eq!((seen.queued, seen.vs, seen.va), (0, 1, 1));
}

#[test]
fn what_waits_for_the_repair_is_sent_after_it() {
    let mut t = Talk::new();
    t.after("est; UA1; FRMR1; data; data").does("UA1").says("I 0 0 0, I 1 0 0");
}

#[test]
fn a_busy_peer_is_asked_until_it_is_ready() {
    let mut t = Talk::new();
    t.after("est; UA1; RNR r0 0").does("data").says("").does("due").says("RR c1 0");
    t.does("RNR r1 0").says("").does("due").says("RR c1 0").does("RR r1 0").says("I 0 0 0");
}

#[test]
fn a_busy_receiver_of_ours_outlives_the_link_and_loses_nothing() {
    let mut t = Talk::new();
    t.does("busy").says("").does("est").says("SABME1");
    t.does("UA1").says("up Request, RNR r0 0").does("I 0 0 0").says("");
    t.does("ready").says("RR r0 0").does("I 0 0 0").says("data, RR r0 1");
}

#[test]
fn a_release_during_establishment_is_kept_and_so_is_the_opposite() {
    let mut t = Talk::new();
    t.after("est; rel").does("UA1").says("up Request, DISC1");
    t.does("est").says("").does("UA1").says("down Request, SABME1").does("UA1").says("up Request");
    let mut t = Talk::new();
    t.after("est; rel").does("DM1").says("down Refused");
    assert_eq!(t.link.snapshot().state, State::TeiAssigned);
    // The last word counts.
    let mut t = Talk::new();
    t.after("est; rel; est").does("UA1").says("up Request");
    t.after("rel; est; rel").does("UA1").says("down Request");
}

#[test]
fn a_full_queue_is_told_and_nothing_that_is_in_it_is_lost() {
    let mut t = Talk::new();
    t.after("est; UA1; RNR r0 0");
    (0..crate::limits::Q921_QUEUE_MAX).for_each(|_| t.does("data").says("").link.t203 = None);
    t.does("data")
        .says("full")
        .does("RR c0 0")
        .says("I 0 0 0, I 1 0 0, I 2 0 0, I 3 0 0, I 4 0 0, I 5 0 0, I 6 0 0");
    let seen = t.link.snapshot();
    assert_eq!((seen.queued, seen.in_flight, seen.counters.queue_full), (256, 7, 1));
}

#[test]
fn sequence_numbers_go_round_in_both_directions() {
    let mut t = Talk::new();
    t.after("est; UA1");
    for n in 0..300_u32 {
        let (this, next) = (n % 128, (n + 1) % 128);
        t.does("data").says(&format!("I {this} {this} 0"));
        t.does(&format!("I {this} {next} 0")).says(&format!("data, RR r0 {next}"));
    }
    assert_eq!(t.link.snapshot().counters.errors.total(), 0);
}

#[test]
fn a_looped_line_and_a_twin_are_counted_as_such() {
    let mut t = Talk::new();
    t.does("est").says("SABME1");
    t.link.handle_frame(t.now, &frame("SABME1").encode(Role::User));
    t.says("!L");
    t.link.handle_frame(t.now, &[0x00, 0xFF, 0x03, 0x08]);
    let counters = t.link.snapshot().counters;
    assert_eq!((counters.bad, counters.same_side, counters.foreign), (2, 1, 1));
}
