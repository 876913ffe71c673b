//! Every message in every state, both sides, against `table.txt`, which was checked by hand against
//! the text of §5 and §5.8. The rows are messages with all that they must carry, the columns states of
//! a call, first of one that we began, then of one that the far end began.
//!
//! A cell says what is sent and the state afterwards if it is another one: `R` RELEASE, `RC` RELEASE
//! COMPLETE, `CA` CONNECT ACKNOWLEDGE, `D` DISCONNECT, a number behind `S` the cause of a STATUS; `.`
//! when nothing happens.

use super::*;

use MessageType as M;

const GOLDEN: &str = include_str!("table.txt");

/// How a desk comes into the state of a column; the state's number is read from the call.
const COLUMNS: [fn(Role) -> Desk; 15] = [
    |role| calling(role, None),
    |role| calling(role, Some(M::SetupAcknowledge)),
    |role| calling(role, Some(M::CallProceeding)),
    |role| calling(role, Some(M::Alerting)),
    |role| calling(role, Some(M::Connect)),
    |role| called(role, |_, _, _| {}),
    called_in_parts,
    |role| called(role, |us, now, call| us.proceed(now, call, false)),
    |role| called(role, |us, now, call| us.alert(now, call, false)),
    |role| called(role, |us, now, call| us.answer(now, call)),
    |role| then(called(role, |us, now, call| us.answer(now, call)), M::ConnectAcknowledge, &[]),
    |role| {
        called(role, |us, now, call| {
            us.proceed(now, call, false);
            us.hang_up(now, call, Cause::UserBusy);
        })
    },
    |role| {
        called(role, |us, now, call| {
            us.alert(now, call, false);
            us.disconnect_with_tone(now, call, Cause::UserBusy);
        })
    },
    |role| then(ringing(role), M::Disconnect, &[cause(16), tones()]),
    |role| then(ringing(role), M::Disconnect, &[cause(16)]),
];

/// The rows. A STATUS reports the same state as ours, or one in words.
const ROWS: [(&str, M); 24] = [
    ("SETUP", M::Setup),
    ("SETUP ACK", M::SetupAcknowledge),
    ("CALL PROC", M::CallProceeding),
    ("ALERTING", M::Alerting),
    ("PROGRESS", M::Progress),
    ("CONNECT", M::Connect),
    ("CONNECT ACK", M::ConnectAcknowledge),
    ("INFORMATION", M::Information),
    ("NOTIFY", M::Notify),
    ("FACILITY", M::Facility),
    ("USER INFO", M::UserInformation),
    ("CONGESTION", M::CongestionControl),
    ("DISCONNECT", M::Disconnect),
    ("RELEASE", M::Release),
    ("RELEASE COM", M::ReleaseComplete),
    ("ENQUIRY", M::StatusEnquiry),
    ("STATUS same", M::Status),
    ("STATUS null", M::Status),
    ("STATUS none", M::Status),
    ("SUSPEND", M::Suspend),
    ("RESUME", M::Resume),
    ("RESTART", M::Restart),
    ("SEGMENT", M::Segment),
    ("unknown", M::Unknown(0x55)),
];

fn calling(role: Role, heard: Option<M>) -> Desk {
    let mut desk = Desk::new(role, |_| {});
    desk.place(CallSetup { complete: false, ..to("1") });
    if let Some(kind) = heard {
        desk.answers(kind, &elements("", kind, &desk.us.snapshot().calls[0]));
    }
    desk
}

fn called(role: Role, act: fn(&mut DChannel, Tick, CallId)) -> Desk {
    let mut desk = Desk::new(role, |_| {});
    desk.calls(M::Setup, &setup_on(2, true));
    let call = incoming(&desk.told());
    desk.act(|us, now| act(us, now, call));
    desk
}

fn ringing(role: Role) -> Desk {
    called(role, |us, now, call| us.alert(now, call, false))
}

fn called_in_parts(role: Role) -> Desk {
    let mut desk = Desk::new(role, |config| config.overlap = true);
    desk.calls(M::Setup, &setup_on(2, true)[..3]);
    desk
}

fn then(mut desk: Desk, kind: M, elements: &[Element]) -> Desk {
    desk.calls(kind, elements);
    desk
}

/// What the message of a row must carry for this call.
fn elements(row: &str, kind: M, call: &CallSnapshot) -> Vec<Element> {
    match kind {
        M::Setup => setup_on(2, true),
        M::SetupAcknowledge | M::CallProceeding | M::Alerting | M::Connect => {
            call.channel.map(channel).into_iter().collect()
        }
        M::Progress => vec![tones()],
        M::Information => vec![Element::CalledParty(Party::new(NumberType::Unknown, "5"))],
        M::Notify => vec![Element::NotificationIndicator(0)],
        M::Facility => vec![Element::Facility(vec![0x91])],
        M::UserInformation => vec![Element::UserUser(vec![4, 65])],
        M::CongestionControl => vec![Element::CongestionLevel(0), cause(16)],
        M::Disconnect | M::Release | M::ReleaseComplete => vec![cause(16)],
        M::Status => {
            let theirs = match row {
                "STATUS null" => 0,
                "STATUS none" => 63,
                _ => call.state.number(),
            };
            vec![cause(30), Element::CallState(theirs)]
        }
        _ => Vec::new(),
    }
}

/// What happens when the only call of a desk is told this.
fn cell(mut desk: Desk, row: &str, kind: M) -> String {
    let call = desk.us.snapshot().calls[0];
    let before = call.state.number();
    let reference = if call.origin == Origin::Ours { theirs(1) } else { ours(7) };
    desk.said();
    desk.hear(Message { elements: elements(row, kind, &call), ..Message::new(reference, kind) });
    let mut words: Vec<String> = std::mem::take(&mut desk.said)
        .iter()
        .map(|decoded| match decoded.message.kind {
            M::Release => "R".to_owned(),
            M::ReleaseComplete => "RC".to_owned(),
            M::ConnectAcknowledge => "CA".to_owned(),
            M::Disconnect => "D".to_owned(),
            M::Status => format!("S{}", decoded.message.cause().unwrap().value),
            other => panic!("{other:?}"),
        })
        .collect();
    let after = desk.states().first().copied().unwrap_or_default();
    if after != before {
        words.push(after.to_string());
    }
    if words.is_empty() { ".".to_owned() } else { words.join(" ") }
}

fn line(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!("{cell:<6}")).collect();
    format!("{name:<13}{cells}").trim_end().to_owned() + "\n"
}

fn table(role: Role) -> String {
    let head = COLUMNS.iter().map(|way| way(role).states()[0].to_string());
    let mut text = line(&format!("{role:?}").to_uppercase(), head);
    for (row, kind) in ROWS {
        text += &line(row, COLUMNS.iter().map(|way| cell(way(role), row, kind)));
    }
    text
}

#[test]
fn every_message_in_every_state_does_what_the_table_says() {
    let found = [Role::User, Role::Network].map(table).join("\n");
    assert!(found == GOLDEN, "found:\n{found}");
}
