//! A frame of a D-channel as a line for a person: Q.921 in front, the message of Q.931 behind it; and
//! what our side found wrong, where the frames do not show it.

use signal::limits::Q921_N201_MAX;
use signal::q921::{Frame, Role, Turn};
use signal::q931::dchannel::Trouble;
use signal::q931::wire::{self, Digits};

/// One frame as a line. Numbers are masked but for their last four digits.
pub(super) fn line(frame: &[u8], sender: Role) -> String {
    match Frame::decode(frame, sender, Q921_N201_MAX) {
        Ok(frame) => show(&frame),
        Err(error) => format!("? {error}"),
    }
}

/// What our side says of the far end. Nothing where the frame itself, or our answer to it, tells.
pub(super) fn note(trouble: &Trouble) -> Option<String> {
    match trouble {
        Trouble::Link(code) => Some(format!("! error {}: {}", code.letter(), code.meaning())),
        Trouble::RestartUnanswered { channel: Some(slot) } => Some(format!(
            "! channel {slot} was not restarted: it is out of service until the far end uses it"
        )),
        Trouble::RestartUnanswered { channel: None } => {
            Some("! no RESTART ACKNOWLEDGE came: every channel is out of service".to_owned())
        }
        Trouble::Wire(_) | Trouble::Call { .. } | Trouble::Complaint { .. } => None,
    }
}

fn show(frame: &Frame<'_>) -> String {
    let turn = |turn: Turn| match turn {
        Turn::Command => "command",
        Turn::Response => "response",
    };
    let bit = |set: bool, name: &str| if set { format!(" {name}") } else { String::new() };
    match frame {
        Frame::I { ns, nr, p, info } => {
            let head = format!("I {} {}{}", ns.number(), nr.number(), bit(*p, "P"));
            match wire::decode(info) {
                Ok(decoded) => {
                    format!("{head} | {}", wire::show(&decoded, Digits::Masked).join(" · "))
                }
                Err(error) => format!("{head} | ? {error}"),
            }
        }
        Frame::Rr(s) => format!("RR {} {}{}", s.nr.number(), turn(s.turn), bit(s.pf, "P/F")),
        Frame::Rnr(s) => format!("RNR {} {}{}", s.nr.number(), turn(s.turn), bit(s.pf, "P/F")),
        Frame::Rej(s) => format!("REJ {} {}{}", s.nr.number(), turn(s.turn), bit(s.pf, "P/F")),
        Frame::Sabme { p } => format!("SABME{}", bit(*p, "P")),
        Frame::Dm { f } => format!("DM{}", bit(*f, "F")),
        Frame::Disc { p } => format!("DISC{}", bit(*p, "P")),
        Frame::Ua { f } => format!("UA{}", bit(*f, "F")),
        Frame::Frmr { f, .. } => format!("FRMR{}", bit(*f, "F")),
        Frame::Ui { p, .. } => format!("UI{}", bit(*p, "P")),
        Frame::Xid { turn: t, .. } => format!("XID {}", turn(*t)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_as_a_line_and_garbage_is_named() {
        // SABME of the network: command, P set.
        assert_eq!(line(&[0x02, 0x01, 0x7F], Role::Network), "SABME P");
        // RELEASE COMPLETE of call 5, cause 17, from the side that answered.
        let frame = [0x02, 0x01, 0x00, 0x02, 0x08, 0x02, 0x80, 0x05, 0x5A, 0x08, 0x02, 0x81, 0x91];
        let read = line(&frame, Role::Network);
        assert!(read.starts_with("I 0 1 | RELEASE COMPLETE"), "{read}");
        assert!(read.contains("17"), "{read}");
        assert!(line(&[], Role::User).starts_with('?'));
    }
}
