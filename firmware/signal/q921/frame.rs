//! One frame on the wire (Q.921 §2 and §3): address, control field modulo 128, information; without
//! flags, stuffed bits and check sequence.
//!
//! ```text
//!            8   7   6   5   4   3   2   1
//!   octet 1 │     SAPI = 0     │C/R│ 0 │    C/R of a command: 0 from the user, 1 from the network
//!   octet 2 │      TEI = 0         │ 1 │    C/R of a response: the other way round (table 1)
//!   octet 3 │     N(S) │ 0   or  0 0 0 0 S S 0 1   or  M M M P/F M M 1 1
//!   octet 4 │     N(R) │ P   or   N(R) │ P/F       (I and S frames only)
//! ```
//!
//! Decoding never panics. It tells an invalid frame (§2.9), which is dropped without a word, from
//! one that is to be rejected (§3.6.11), which resets an established link.

use thiserror::Error;

use super::code::Code;

/// Which side of the interface an end plays. It decides what C/R means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The subscriber: a PBX, the box at a carrier's line.
    User,
    /// The exchange.
    Network,
}

impl Role {
    /// The side that the far end must play.
    #[must_use]
    pub const fn other(self) -> Role {
        match self {
            Role::User => Role::Network,
            Role::Network => Role::User,
        }
    }
}

/// Whether a frame asks or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The P/F bit is P.
    Command,
    /// The P/F bit is F.
    Response,
}

/// A sequence number or state variable, modulo 128 (Q.921 §3.5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seq(u8);

impl Seq {
    /// Where every link begins.
    pub const ZERO: Seq = Seq(0);

    /// The number modulo 128.
    #[must_use]
    pub const fn new(number: u8) -> Seq {
        Seq(number & 0x7F)
    }

    /// The one after.
    #[must_use]
    pub const fn next(self) -> Seq {
        Seq::new(self.0 + 1)
    }

    /// How many steps `earlier` lies back: 0 to 127.
    #[must_use]
    pub const fn since(self, earlier: Seq) -> u8 {
        self.0.wrapping_sub(earlier.0) & 0x7F
    }

    /// 0 to 127.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A frame (Q.921 table 5). Where only a command or only a response exists, the name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Numbered information, a command.
    I {
        /// N(S), its own number.
        ns: Seq,
        /// N(R), the number that is expected next.
        nr: Seq,
        /// Poll.
        p: bool,
        /// At most N201 octets.
        info: &'a [u8],
    },
    /// Receive ready.
    Rr(Supervision),
    /// Receive not ready.
    Rnr(Supervision),
    /// Reject: send again from N(R).
    Rej(Supervision),
    /// Set asynchronous balanced mode extended, a command.
    Sabme {
        /// Poll.
        p: bool,
    },
    /// Disconnected mode, a response.
    Dm {
        /// Final.
        f: bool,
    },
    /// Disconnect, a command.
    Disc {
        /// Poll.
        p: bool,
    },
    /// Unnumbered acknowledgement, a response.
    Ua {
        /// Final.
        f: bool,
    },
    /// Frame reject, a response. We read it and never send it (EN 300 402, Q.921 §3.6.11).
    Frmr {
        /// Final.
        f: bool,
        /// What was rejected and why, five octets as a rule.
        info: &'a [u8],
    },
    /// Unnumbered information, a command.
    Ui {
        /// Poll.
        p: bool,
        /// At most N201 octets.
        info: &'a [u8],
    },
    /// Exchange identification.
    Xid {
        /// Command or response.
        turn: Turn,
        /// Poll or final.
        pf: bool,
        /// At most N201 octets.
        info: &'a [u8],
    },
}

/// What RR, RNR and REJ have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// Command or response.
    pub turn: Turn,
    /// N(R): everything before it is acknowledged.
    pub nr: Seq,
    /// Poll or final.
    pub pf: bool,
}

/// Why octets are not a frame for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Fewer octets than the address and this control field take (§2.9 b).
    #[error("{octets} octets are no frame: look at the span's HDLC and slip counters")]
    Short {
        /// Octets that came.
        octets: usize,
    },
    /// The address has one octet, or more than two (§2.9 e).
    #[error("the address field has not two octets: the far end does not speak LAPD here")]
    Address,
    /// For another service access point or terminal (§2.9 f): not ours on a point-to-point line.
    #[error("frame for SAPI {sapi} TEI {tei}: set the line to point-to-point at the exchange")]
    Foreign {
        /// Service access point, 0 to 63.
        sapi: u8,
        /// Terminal endpoint, 0 to 127.
        tei: u8,
    },
    /// The control field is in no table (§3.6.11 a).
    #[error("control field {control:#04x} is not defined: the far end errs or sends modulo 8")]
    Undefined {
        /// Octet 3.
        control: u8,
    },
    /// A command that only our side sends, or a response to it: our own voice, or a twin.
    #[error("the far end plays our own side: set user and network, or take the loop off the line")]
    SameSide {
        /// Octet 3.
        control: u8,
    },
    /// SABME, DISC, UA or DM with an information field.
    #[error("control field {control:#04x} carries information that it may not have")]
    Information {
        /// Octet 3.
        control: u8,
    },
    /// A supervisory frame with octets behind it (§3.6.11 b).
    #[error("a supervisory frame of {octets} octets: four are allowed")]
    Size {
        /// Octets that came.
        octets: usize,
    },
    /// More than N201 octets of information (§3.6.11 d).
    #[error("{octets} octets of information: N201 is exceeded, set it alike at both ends")]
    TooLong {
        /// Octets of information that came.
        octets: usize,
    },
}

impl FrameError {
    /// The MDL-ERROR code of a frame that is to be rejected; nothing for one to be dropped silently.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        match self {
            FrameError::Short { .. } | FrameError::Address | FrameError::Foreign { .. } => None,
            FrameError::Undefined { .. } | FrameError::SameSide { .. } => Some(Code::L),
            FrameError::Information { .. } => Some(Code::M),
            FrameError::Size { .. } => Some(Code::N),
            FrameError::TooLong { .. } => Some(Code::O),
        }
    }
}

const PF_U: u8 = 0x10;
const RR: u8 = 0x01;
const RNR: u8 = 0x05;
const REJ: u8 = 0x09;
const SABME: u8 = 0x6F;
const DM: u8 = 0x0F;
const DISC: u8 = 0x43;
const UA: u8 = 0x63;
const FRMR: u8 = 0x87;
const UI: u8 = 0x03;
const XID: u8 = 0xAF;

impl<'a> Frame<'a> {
    /// Reads what `sender` has sent.
    ///
    /// # Errors
    /// When the octets are invalid or to be rejected: [`FrameError::code`] tells which.
    pub fn decode(octets: &'a [u8], sender: Role, n201: usize) -> Result<Frame<'a>, FrameError> {
        let short = FrameError::Short { octets: octets.len() };
        let [first, second, control, rest @ ..] = octets else { return Err(short) };
        if first & 1 == 1 || second & 1 == 0 {
            return Err(FrameError::Address);
        }
        let (sapi, tei) = (first >> 2, second >> 1);
        if (sapi, tei) != (0, 0) {
            return Err(FrameError::Foreign { sapi, tei });
        }
        let turn = turn(sender, first & 2 != 0);
        if control & 3 == 3 {
            return unnumbered(*control, turn, rest, n201);
        }
        let [fourth, info @ ..] = rest else { return Err(short) };
        let (nr, pf) = (Seq::new(fourth >> 1), fourth & 1 == 1);
        if control & 1 == 0 {
            return match turn {
                Turn::Command => {
                    let ns = Seq::new(control >> 1);
                    bounded(info, n201).map(|info| Frame::I { ns, nr, p: pf, info })
                }
                Turn::Response => Err(FrameError::SameSide { control: *control }),
            };
        }
        let frame = Supervision { turn, nr, pf };
        let frame = match *control {
            RR => Frame::Rr(frame),
            RNR => Frame::Rnr(frame),
            REJ => Frame::Rej(frame),
            control => return Err(FrameError::Undefined { control }),
        };
        if info.is_empty() { Ok(frame) } else { Err(FrameError::Size { octets: octets.len() }) }
    }

    /// The octets of this frame as `sender` sends it.
    #[must_use]
    pub fn encode(&self, sender: Role) -> Vec<u8> {
        let (turn, info) = match *self {
            Frame::I { info, .. } | Frame::Ui { info, .. } => (Turn::Command, info),
            Frame::Frmr { info, .. } => (Turn::Response, info),
            Frame::Xid { turn, info, .. } => (turn, info),
            Frame::Rr(s) | Frame::Rnr(s) | Frame::Rej(s) => (s.turn, &[][..]),
            Frame::Sabme { .. } | Frame::Disc { .. } => (Turn::Command, &[][..]),
            Frame::Dm { .. } | Frame::Ua { .. } => (Turn::Response, &[][..]),
        };
        let mut octets = Vec::with_capacity(4 + info.len());
        octets.push(if turn == turn_of_set_bit(sender) { 2 } else { 0 });
        octets.push(1);
        let bits = |code: u8, pf: bool| if pf { code | PF_U } else { code };
        match *self {
            Frame::I { ns, nr, p, .. } => octets.extend([ns.0 << 1, nr.0 << 1 | u8::from(p)]),
            Frame::Rr(s) => octets.extend([RR, s.nr.0 << 1 | u8::from(s.pf)]),
            Frame::Rnr(s) => octets.extend([RNR, s.nr.0 << 1 | u8::from(s.pf)]),
            Frame::Rej(s) => octets.extend([REJ, s.nr.0 << 1 | u8::from(s.pf)]),
            Frame::Sabme { p } => octets.push(bits(SABME, p)),
            Frame::Dm { f } => octets.push(bits(DM, f)),
            Frame::Disc { p } => octets.push(bits(DISC, p)),
            Frame::Ua { f } => octets.push(bits(UA, f)),
            Frame::Frmr { f, .. } => octets.push(bits(FRMR, f)),
            Frame::Ui { p, .. } => octets.push(bits(UI, p)),
            Frame::Xid { pf, .. } => octets.push(bits(XID, pf)),
        }
        octets.extend(info);
        octets
    }
}

/// What a set C/R bit means in a frame of this side (table 1).
const fn turn_of_set_bit(sender: Role) -> Turn {
    match sender {
        Role::User => Turn::Response,
        Role::Network => Turn::Command,
    }
}

const fn turn(sender: Role, set: bool) -> Turn {
    match (turn_of_set_bit(sender), set) {
        (Turn::Command, true) | (Turn::Response, false) => Turn::Command,
        (Turn::Command, false) | (Turn::Response, true) => Turn::Response,
    }
}

fn unnumbered(control: u8, turn: Turn, info: &[u8], n201: usize) -> Result<Frame<'_>, FrameError> {
    let pf = control & PF_U != 0;
    let (frame, only) = match control & !PF_U {
        SABME => (Frame::Sabme { p: pf }, Turn::Command),
        DISC => (Frame::Disc { p: pf }, Turn::Command),
        DM => (Frame::Dm { f: pf }, Turn::Response),
        UA => (Frame::Ua { f: pf }, Turn::Response),
        UI => (Frame::Ui { p: pf, info: bounded(info, n201)? }, Turn::Command),
        FRMR => (Frame::Frmr { f: pf, info: bounded(info, n201)? }, Turn::Response),
        XID => (Frame::Xid { turn, pf, info: bounded(info, n201)? }, turn),
        _ => return Err(FrameError::Undefined { control }),
    };
    if turn != only {
        return Err(FrameError::SameSide { control });
    }
    match frame {
        Frame::Sabme { .. } | Frame::Disc { .. } | Frame::Dm { .. } | Frame::Ua { .. }
            if !info.is_empty() =>
        {
            Err(FrameError::Information { control })
        }
        Frame::I { .. }
        | Frame::Rr(_)
        | Frame::Rnr(_)
        | Frame::Rej(_)
        | Frame::Sabme { .. }
        | Frame::Dm { .. }
        | Frame::Disc { .. }
        | Frame::Ua { .. }
        | Frame::Frmr { .. }
        | Frame::Ui { .. }
        | Frame::Xid { .. } => Ok(frame),
    }
}

fn bounded(info: &[u8], n201: usize) -> Result<&[u8], FrameError> {
    if info.len() > n201 { Err(FrameError::TooLong { octets: info.len() }) } else { Ok(info) }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const N201: usize = 260;

    fn seq() -> impl Strategy<Value = Seq> {
        (0_u8..128).prop_map(Seq::new)
    }

    fn turns() -> impl Strategy<Value = Turn> {
        prop_oneof![Just(Turn::Command), Just(Turn::Response)]
    }

    fn roles() -> impl Strategy<Value = Role> {
        prop_oneof![Just(Role::User), Just(Role::Network)]
    }

    fn frame(info: &'static [u8]) -> impl Strategy<Value = Frame<'static>> {
        let s = || {
            (turns(), seq(), any::<bool>()).prop_map(|(turn, nr, pf)| Supervision { turn, nr, pf })
        };
        prop_oneof![
            (seq(), seq(), any::<bool>()).prop_map(move |(ns, nr, p)| Frame::I { ns, nr, p, info }),
            s().prop_map(Frame::Rr),
            s().prop_map(Frame::Rnr),
            s().prop_map(Frame::Rej),
            any::<bool>().prop_map(|p| Frame::Sabme { p }),
            any::<bool>().prop_map(|f| Frame::Dm { f }),
            any::<bool>().prop_map(|p| Frame::Disc { p }),
            any::<bool>().prop_map(|f| Frame::Ua { f }),
            any::<bool>().prop_map(move |f| Frame::Frmr { f, info }),
            any::<bool>().prop_map(move |p| Frame::Ui { p, info }),
            (turns(), any::<bool>()).prop_map(move |(turn, pf)| Frame::Xid { turn, pf, info }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_the_same(
            frame in frame(b"\x08\x02\x00\x01\x45"),
            sender in roles(),
        ) {
            let octets = frame.encode(sender);
            prop_assert_eq!(Frame::decode(&octets, sender, N201), Ok(frame));
        }

        #[test]
        fn whatever_comes_nothing_panics_and_what_is_read_is_written_back(
            octets in vec(any::<u8>(), 0..300),
            sender in roles(),
        ) {
            if let Ok(frame) = Frame::decode(&octets, sender, N201) {
                prop_assert_eq!(frame.encode(sender), octets);
            }
        }
    }

    /// Octets as table 1 and table 5 of the standard have them, user side first.
    #[test]
    fn every_frame_of_the_table_is_written_as_the_standard_writes_it() {
        let s = |turn, nr, pf| Supervision { turn, nr: Seq::new(nr), pf };
        let (command, response) = (Turn::Command, Turn::Response);
        let (ns, nr) = (Seq::new(5), Seq::new(127));
        let table: &[(Frame<'_>, &[u8], &[u8])] = &[
            (Frame::I { ns, nr, p: true, info: &[8] }, &[0, 1, 10, 255, 8], &[2, 1, 10, 255, 8]),
            (Frame::Rr(s(command, 1, true)), &[0, 1, 0x01, 3], &[2, 1, 0x01, 3]),
            (Frame::Rr(s(response, 1, false)), &[2, 1, 0x01, 2], &[0, 1, 0x01, 2]),
            (Frame::Rnr(s(response, 2, true)), &[2, 1, 0x05, 5], &[0, 1, 0x05, 5]),
            (Frame::Rej(s(command, 64, false)), &[0, 1, 0x09, 128], &[2, 1, 0x09, 128]),
            (Frame::Sabme { p: true }, &[0, 1, 0x7F], &[2, 1, 0x7F]),
            (Frame::Sabme { p: false }, &[0, 1, 0x6F], &[2, 1, 0x6F]),
            (Frame::Dm { f: true }, &[2, 1, 0x1F], &[0, 1, 0x1F]),
            (Frame::Dm { f: false }, &[2, 1, 0x0F], &[0, 1, 0x0F]),
            (Frame::Disc { p: true }, &[0, 1, 0x53], &[2, 1, 0x53]),
            (Frame::Ua { f: true }, &[2, 1, 0x73], &[0, 1, 0x73]),
            (Frame::Frmr { f: true, info: &[] }, &[2, 1, 0x97], &[0, 1, 0x97]),
            (Frame::Ui { p: false, info: &[9] }, &[0, 1, 0x03, 9], &[2, 1, 0x03, 9]),
            (Frame::Xid { turn: command, pf: true, info: &[] }, &[0, 1, 0xBF], &[2, 1, 0xBF]),
        ];
        for (frame, user, network) in table {
            assert_eq!(&frame.encode(Role::User), user, "{frame:?}");
            assert_eq!(&frame.encode(Role::Network), network, "{frame:?}");
            assert_eq!(Frame::decode(user, Role::User, N201), Ok(*frame));
            assert_eq!(Frame::decode(network, Role::Network, N201), Ok(*frame));
        }
    }

    #[test]
    fn what_is_invalid_is_dropped_and_what_is_wrong_has_its_code() {
        let long = [&[0, 1, 0, 0][..], &[0; N201 + 1]].concat();
        let long_ui = [&[0, 1, 3][..], &[0; N201 + 1]].concat();
        let exact = [&[0, 1, 0, 0][..], &[0; N201]].concat();
        let table: &[(&[u8], FrameError, Option<Code>)] = &[
            (&[], FrameError::Short { octets: 0 }, None),
            (&[0, 1], FrameError::Short { octets: 2 }, None),
            (&[0, 1, 0x01], FrameError::Short { octets: 3 }, None),
            (&[0, 1, 0x00], FrameError::Short { octets: 3 }, None),
            (&[1, 1, 0x7F], FrameError::Address, None),
            (&[0, 0, 0x7F], FrameError::Address, None),
            (&[0, 0xFF, 0x03], FrameError::Foreign { sapi: 0, tei: 127 }, None),
            (&[0xFC, 0xFF, 0x03], FrameError::Foreign { sapi: 63, tei: 127 }, None),
            (&[0, 1, 0x0D, 0], FrameError::Undefined { control: 0x0D }, Some(Code::L)),
            (&[0, 1, 0x11, 0], FrameError::Undefined { control: 0x11 }, Some(Code::L)),
            (&[0, 1, 0x2F], FrameError::Undefined { control: 0x2F }, Some(Code::L)),
            (&[2, 1, 0x7F], FrameError::SameSide { control: 0x7F }, Some(Code::L)),
            (&[2, 1, 0x02, 0], FrameError::SameSide { control: 0x02 }, Some(Code::L)),
            (&[0, 1, 0x73], FrameError::SameSide { control: 0x73 }, Some(Code::L)),
            (&[0, 1, 0x7F, 0], FrameError::Information { control: 0x7F }, Some(Code::M)),
            (&[2, 1, 0x73, 0], FrameError::Information { control: 0x73 }, Some(Code::M)),
            (&[0, 1, 0x01, 0, 0], FrameError::Size { octets: 5 }, Some(Code::N)),
            (&long, FrameError::TooLong { octets: N201 + 1 }, Some(Code::O)),
            (&long_ui, FrameError::TooLong { octets: N201 + 1 }, Some(Code::O)),
        ];
        for (octets, error, code) in table {
            assert_eq!(Frame::decode(octets, Role::User, N201), Err(*error));
            assert_eq!(error.code(), *code, "{error}");
        }
        assert!(Frame::decode(&exact, Role::User, N201).is_ok());
    }

    #[test]
    fn sequence_numbers_go_round_at_128() {
        assert_eq!(Seq::new(127).next(), Seq::ZERO);
        assert_eq!(Seq::new(2).since(Seq::new(126)), 4);
        assert_eq!(Seq::new(126).since(Seq::new(2)), 124);
    }
}
