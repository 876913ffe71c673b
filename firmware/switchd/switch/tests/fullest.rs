//! The fullest box can still say all that it knows in one line.

use call::{AccountId, Epoch, LegId, LegTag, RecordingId, SpanId, Stamp, TrunkId};
use link::limits::SHOWN_CHARS_MAX;
use link::{
    Channel, Contact, Direction, LegRecord, Line, RecordingRecord, RecordingState, Snapshot,
    ToCenter, TrunkState,
};

use super::town::Town;
use crate::limits::{ACCOUNTS_MAX, SNAPSHOT_ENDS_MAX, TRUNKS_MAX};

/// The longest text that a far end can have in a record.
fn long() -> String {
    "界".repeat(SHOWN_CHARS_MAX)
}

fn leg(n: usize) -> LegRecord {
    let late = Stamp(i64::MAX / 2);
    let line = Line::Trunk(TrunkId(i64::MAX));
    let id = LegId(u64::MAX - n as u64);
    let record = LegRecord::new(id, LegTag(u64::MAX), line, Direction::In, late);
    LegRecord {
        channel: Some(Channel { span: SpanId(4), slot: 31 }),
        called: long(),
        caller: long(),
        display: long(),
        redirected_from: long(),
        dialled: Some(late),
        ringing: Some(late),
        answered: Some(late),
        joined: Some(late),
        joined_to: Some(id),
        recording: Some(RecordingId(i64::MAX)),
        ended: Some(late),
        cause: Some(call::Cause::IncompatibleDestination),
        ..record
    }
}

fn recording(n: usize) -> RecordingRecord {
    RecordingRecord {
        recording: RecordingId(i64::MAX - n as i64),
        left: LegId(u64::MAX),
        right: LegId(u64::MAX),
        tag: LegTag(u64::MAX),
        path: "x".repeat(64),
        started: Stamp(i64::MAX),
        length_ms: u64::MAX,
        gap_ms: u64::MAX,
        state: RecordingState::Growing,
    }
}

fn contact() -> Contact {
    let address = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535".to_owned();
    Contact { address, agent: long(), expires: Stamp(i64::MAX) }
}

#[test]
fn the_snapshot_of_the_fullest_box_is_a_line() {
    let mut town = Town::new();
    town.greet(Epoch(1));
    let contacts = vec![contact(); signal::limits::CONTACTS_MAX];
    let accounts = (0..ACCOUNTS_MAX).map(|n| (AccountId(i64::MAX - n as i64), contacts.clone()));
    let trunk = |n| (TrunkId(n as i64), TrunkState::Down, long());
    let legs = media::limits::PLAYERS - 1;
    let snapshot = Snapshot {
        legs: (0..legs).map(leg).collect(),
        ended: (0..SNAPSHOT_ENDS_MAX).map(leg).collect(),
        recordings: (0..legs + SNAPSHOT_ENDS_MAX).map(recording).collect(),
        registrations: accounts.collect(),
        trunks: (0..TRUNKS_MAX).map(trunk).collect(),
        ..town.snapshot()
    };
    let line = link::frame::emit(&ToCenter::Snapshot(Box::new(snapshot)));
    assert!(line.is_ok(), "centerd would never come back: {:?}", line.err());
}
