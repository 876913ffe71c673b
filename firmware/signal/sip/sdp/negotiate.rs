//! Offer and answer for one audio stream (RFC 3264), from our point of view.

use core::net::SocketAddr;

use super::{Attribute, Connection, Description, Media, Origin, SdpError};

/// A codec that the sound thread speaks, always 8 kHz and one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 A-law, static payload type 8.
    Pcma,
    /// G.711 µ-law, static payload type 0.
    Pcmu,
}

impl Codec {
    /// The payload type of RFC 3551 §6.
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self {
            Codec::Pcma => 8,
            Codec::Pcmu => 0,
        }
    }

    /// The encoding name of RFC 3551 §6.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcma => "PCMA",
            Codec::Pcmu => "PCMU",
        }
    }
}

/// Which way sound flows (RFC 8866 §6.7), seen from whoever says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// The speaker only sends: it has put the other on hold.
    SendOnly,
    /// The speaker only receives.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// Every direction.
    pub const ALL: [Direction; 4] =
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

    /// Whether the speaker sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the speaker wants to receive.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The attribute's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    const fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// What is left of what we want when the far end says `theirs` (RFC 3264 §6.1).
    #[must_use]
    pub const fn answering(self, theirs: Direction) -> Direction {
        Direction::new(self.sends() && theirs.receives(), self.receives() && theirs.sends())
    }
}

/// Our side of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where we receive RTP.
    pub address: SocketAddr,
    /// Stays the same for the life of the session.
    pub session_id: u64,
    /// One more than in our last description of this session.
    pub version: u64,
    /// The dynamic payload type of RFC 4733 digits in our offers, 96 to 127.
    pub dtmf_pt: u8,
    /// The packet length that we want to receive, in milliseconds.
    pub ptime_ms: u8,
    /// What we want; `SendOnly` or `Inactive` holds the far end.
    pub direction: Direction,
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Where to send RTP, until symmetric RTP teaches better. The address is unspecified
    /// (`0.0.0.0`) if the far end holds the old way; then nothing may be sent.
    pub remote: SocketAddr,
    /// How the sound is encoded, both ways.
    pub codec: Codec,
    /// The payload type of the sound; the codec's static one unless the far end mapped another.
    pub payload_type: u8,
    /// The payload type of RFC 4733 digits that we send, if both speak it.
    pub dtmf_pt: Option<u8>,
    /// The payload type of those that we receive: that of our offer, where the answer named another
    /// one (RFC 3264 §5.1); else the same.
    pub dtmf_received_pt: Option<u8>,
    /// Which way sound flows, seen from us.
    pub direction: Direction,
    /// The packet length that the far end wants, in milliseconds: a multiple of 10 from 10 to 60.
    pub ptime_ms: u8,
}

/// Milliseconds in a packet if nobody says otherwise (RFC 3551 §4.2).
const PTIME_DEFAULT_MS: u8 = 20;

const TELEPHONE_EVENT: &str = "telephone-event";

/// An offer of one audio stream with `codecs` in our order and RFC 4733 digits.
#[must_use]
pub fn offer(local: &Local, codecs: &[Codec]) -> String {
    let sound = codecs.iter().map(|&codec| (codec.payload_type(), codec));
    describe(local, vec![audio(local, sound, Some(local.dtmf_pt), local.direction)])
}

/// The answer to `offer`, and what is agreed on. `codecs` are those that we take; the first of
/// *ours* that the offer holds wins, so that two legs of one call get the same. The first audio
/// stream that we can take is taken; every other stream is refused with port 0 (RFC 3264 §6).
pub fn answer(
    offer: &[u8],
    local: &Local,
    codecs: &[Codec],
) -> Result<(String, Negotiated), SdpError> {
    let offer = Description::parse(offer)?;
    let (taken, negotiated) = choose(&offer, codecs, local.direction)?;
    let media = offer.media.iter().enumerate().map(|(at, theirs)| {
        if at != taken {
            return refuse(theirs);
        }
        let sound = [(negotiated.payload_type, negotiated.codec)];
        audio(local, sound.into_iter(), negotiated.dtmf_pt, negotiated.direction)
    });
    Ok((describe(local, media.collect()), negotiated))
}

/// What is agreed on when the far end answers our offer. Both are bodies as they were sent.
pub fn accept_answer(our_offer: &[u8], answer: &[u8]) -> Result<Negotiated, SdpError> {
    let (ours, theirs) = (Description::parse(our_offer)?, Description::parse(answer)?);
    if ours.media.len() != theirs.media.len() {
        return Err(SdpError::AnswerMismatch);
    }
    let our_audio = ours.media.first().ok_or(SdpError::AnswerMismatch)?;
    let offered: Vec<Codec> = sound_formats(our_audio).map(|(_, codec)| codec).collect();
    // The answerer's order says what it would rather hear (RFC 3264 §6.1).
    let their_audio = theirs.media.first().ok_or(SdpError::AnswerMismatch)?;
    let preferred: Vec<Codec> = sound_formats(their_audio)
        .map(|(_, codec)| codec)
        .filter(|codec| offered.contains(codec))
        .collect();
    let (_, agreed) = choose(&theirs, &preferred, direction(&ours, our_audio))?;
    let dtmf_received_pt = agreed.dtmf_pt.and(digits_of(our_audio));
    Ok(Negotiated { dtmf_received_pt, ..agreed })
}

/// The first stream that we can take, by index, and what it means.
fn choose(
    theirs: &Description,
    codecs: &[Codec],
    wanted: Direction,
) -> Result<(usize, Negotiated), SdpError> {
    let mut error = SdpError::NoAudio;
    for (at, media) in theirs.media.iter().enumerate() {
        if media.kind != "audio" || media.protocol != "RTP/AVP" || media.port == 0 {
            continue;
        }
        match read_audio(theirs, media, codecs, wanted) {
            Ok(negotiated) => return Ok((at, negotiated)),
            Err(wrong) => error = wrong,
        }
    }
    Err(error)
}

fn read_audio(
    theirs: &Description,
    media: &Media,
    codecs: &[Codec],
    wanted: Direction,
) -> Result<Negotiated, SdpError> {
    let find = |codec: &Codec| sound_formats(media).find(|(_, theirs)| theirs == codec);
    let (payload_type, codec) = codecs.iter().find_map(find).ok_or(SdpError::NoCodec)?;
    let address = match media.connection.as_ref().or(theirs.connection.as_ref()) {
        Some(Connection::Ip(address)) => *address,
        Some(Connection::Other(_)) | None => return Err(SdpError::NoAddress),
    };
    let dtmf_pt = digits_of(media);
    Ok(Negotiated {
        remote: SocketAddr::new(address, media.port),
        codec,
        payload_type,
        dtmf_pt,
        dtmf_received_pt: dtmf_pt,
        direction: wanted.answering(direction(theirs, media)),
        ptime_ms: ptime_ms(theirs, media),
    })
}

/// What the far end does with the stream. An unspecified address takes its receiving away.
fn direction(theirs: &Description, media: &Media) -> Direction {
    // The stream's own attribute wins over the session's (RFC 8866 §6.7).
    let said = [&media.attributes, &theirs.attributes].into_iter().find_map(|list| {
        Direction::ALL.into_iter().find(|d| list.iter().any(|a| a.name == d.name()))
    });
    let said = said.unwrap_or(Direction::SendRecv);
    match media.connection.as_ref().or(theirs.connection.as_ref()) {
        Some(Connection::Ip(ip)) if ip.is_unspecified() => Direction::new(said.sends(), false),
        _ => said,
    }
}

fn ptime_ms(theirs: &Description, media: &Media) -> u8 {
    let said = theirs.attribute(media, "ptime").and_then(|text| text.parse().ok());
    let fits = |ms: &u8| (10..=60).contains(ms) && ms.is_multiple_of(10);
    said.filter(fits).unwrap_or(PTIME_DEFAULT_MS)
}

/// Payload type and `name/rate` of every format; a static type needs no rtpmap (RFC 3551 §6).
fn formats(media: &Media) -> impl Iterator<Item = (u8, &str)> {
    media.formats.iter().filter_map(|format| {
        let payload_type: u8 = format.parse().ok().filter(|pt| *pt < 128)?;
        let mapped = media.attributes.iter().filter(|a| a.name == "rtpmap").find_map(|a| {
            let (pt, name) = a.value.as_deref()?.split_once(' ')?;
            (pt.parse() == Ok(payload_type)).then(|| name.trim())
        });
        let by_type = match payload_type {
            0 => Some("PCMU/8000"),
            8 => Some("PCMA/8000"),
            _ => None,
        };
        Some((payload_type, mapped.or(by_type)?))
    })
}

/// The payload type of RFC 4733 digits.
fn digits_of(media: &Media) -> Option<u8> {
    formats(media).find(|(_, name)| is_name(name, TELEPHONE_EVENT)).map(|(pt, _)| pt)
}

/// The formats that are codecs of ours, in their order.
fn sound_formats(media: &Media) -> impl Iterator<Item = (u8, Codec)> {
    formats(media).filter_map(|(payload_type, name)| {
        let codec = [Codec::Pcma, Codec::Pcmu].into_iter().find(|c| is_name(name, c.name()))?;
        Some((payload_type, codec))
    })
}

/// Whether an rtpmap says `name` at 8 kHz with one channel; names are without case (RFC 4855 §3).
fn is_name(rtpmap: &str, name: &str) -> bool {
    let mut parts = rtpmap.split('/');
    parts.next().is_some_and(|n| n.eq_ignore_ascii_case(name))
        && parts.next() == Some("8000")
        && parts.next().is_none_or(|channels| channels == "1")
}

fn describe(local: &Local, media: Vec<Media>) -> String {
    let connection = Connection::Ip(local.address.ip());
    let origin = Origin {
        username: "-".to_owned(),
        session_id: local.session_id,
        version: local.version,
        address: connection.to_string(),
    };
    let connection = Some(connection);
    Description { origin, connection, attributes: Vec::new(), media }.to_string()
}

fn audio(
    local: &Local,
    sound: impl Iterator<Item = (u8, Codec)>,
    dtmf_pt: Option<u8>,
    direction: Direction,
) -> Media {
    let mut formats = Vec::new();
    let mut attributes = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        attributes.push(Attribute { name: name.to_owned(), value });
    };
    for (payload_type, codec) in sound {
        formats.push(payload_type.to_string());
        add("rtpmap", Some(format!("{payload_type} {}/8000", codec.name())));
    }
    if let Some(dtmf_pt) = dtmf_pt {
        formats.push(dtmf_pt.to_string());
        add("rtpmap", Some(format!("{dtmf_pt} {TELEPHONE_EVENT}/8000")));
        add("fmtp", Some(format!("{dtmf_pt} 0-15")));
    }
    add("ptime", Some(local.ptime_ms.to_string()));
    add(direction.name(), None);
    let (kind, protocol) = ("audio".to_owned(), "RTP/AVP".to_owned());
    Media { kind, port: local.address.port(), protocol, formats, connection: None, attributes }
}

/// Port 0, the rest as it came (RFC 3264 §6).
fn refuse(theirs: &Media) -> Media {
    Media { port: 0, connection: None, attributes: Vec::new(), ..theirs.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

    fn local() -> Local {
        Local {
            address: "192.0.2.10:10000".parse().unwrap(),
            session_id: 7,
            version: 3,
            dtmf_pt: 101,
            ptime_ms: 20,
            direction: Direction::SendRecv,
        }
    }

    /// A body from its lines, each with its line end; `v`, `o`, `s`, `t` stand in front.
    fn body(lines: &[&str]) -> Vec<u8> {
        let head = ["v=0", "o=- 1 1 IN IP4 198.51.100.7", "s=-", "t=0 0"];
        let lines = head.iter().chain(lines).map(|line| format!("{line}\r\n"));
        lines.collect::<String>().into_bytes()
    }

    fn agreed(lines: &[&str]) -> Negotiated {
        answer(&body(lines), &local(), &BOTH).unwrap().1
    }

    #[test]
    fn our_offer_is_what_the_standards_say() {
        assert_eq!(
            offer(&local(), &BOTH),
            "v=0\r\no=- 7 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
             m=audio 10000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n\
             a=sendrecv\r\n"
        );
    }

    #[test]
    fn an_offer_of_bare_static_types_is_answered_with_the_first_of_ours() {
        let lines = ["c=IN IP4 198.51.100.7", "m=audio 4000 RTP/AVP 18 0 8"];
        let (text, agreed) = answer(&body(&lines), &local(), &BOTH).unwrap();
        assert_eq!(agreed.remote, "198.51.100.7:4000".parse().unwrap());
        assert_eq!((agreed.codec, agreed.payload_type), (Codec::Pcma, 8));
        assert_eq!((agreed.dtmf_pt, agreed.ptime_ms), (None, 20));
        assert_eq!(agreed.direction, Direction::SendRecv);
        assert!(text.contains("m=audio 10000 RTP/AVP 8\r\n"));
        assert!(!text.contains("telephone-event"));
    }

    #[test]
    fn dynamic_types_are_mirrored_and_the_far_end_s_packet_length_is_taken() {
        let lines = [
            "c=IN IP6 2001:db8::7",
            "m=audio 4000 RTP/AVP 97 111 96",
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:97 pcmu/8000/1",
            "a=rtpmap:96 telephone-event/8000",
            "a=ptime:30",
        ];
        let (text, agreed) = answer(&body(&lines), &local(), &BOTH).unwrap();
        assert_eq!((agreed.codec, agreed.payload_type), (Codec::Pcmu, 97));
        assert_eq!((agreed.dtmf_pt, agreed.ptime_ms), (Some(96), 30));
        assert_eq!(agreed.remote, "[2001:db8::7]:4000".parse().unwrap());
        assert!(text.contains("m=audio 10000 RTP/AVP 97 96\r\n"));
        assert!(text.contains("a=rtpmap:97 PCMU/8000\r\n"));
    }

    #[test]
    fn a_static_type_that_is_mapped_to_something_else_is_that_something() {
        let lines = ["c=IN IP4 198.51.100.7", "m=audio 4 RTP/AVP 8", "a=rtpmap:8 L16/8000"];
        assert_eq!(answer(&body(&lines), &local(), &BOTH).unwrap_err(), SdpError::NoCodec);
    }

    #[test]
    fn every_way_to_hold_is_answered_in_kind() {
        let with = |attribute| {
            agreed(&["c=IN IP4 198.51.100.7", "m=audio 4000 RTP/AVP 8", attribute]).direction
        };
        assert_eq!(with("a=sendonly"), Direction::RecvOnly);
        assert_eq!(with("a=recvonly"), Direction::SendOnly);
        assert_eq!(with("a=inactive"), Direction::Inactive);
        assert_eq!(with("a=sendrecv"), Direction::SendRecv);
        let old = agreed(&["c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 8"]);
        assert_eq!(old.direction, Direction::RecvOnly);
        assert!(old.remote.ip().is_unspecified());
        let session = ["c=IN IP4 198.51.100.7", "a=inactive", "m=audio 4000 RTP/AVP 8"];
        assert_eq!(agreed(&session).direction, Direction::Inactive);
        let own = ["c=IN IP4 1.2.3.4", "a=inactive", "m=audio 4000 RTP/AVP 8", "a=sendrecv"];
        assert_eq!(agreed(&own).direction, Direction::SendRecv);
    }

    #[test]
    fn other_streams_are_refused_in_their_place_with_port_0() {
        let lines = [
            "c=IN IP4 198.51.100.7",
            "m=video 4002 RTP/AVP 31 34",
            "a=rtpmap:31 H261/90000",
            "m=audio 4000 RTP/SAVP 8",
            "m=audio 4004 RTP/AVP 8",
            "m=audio 4006 RTP/AVP 8",
        ];
        let (text, agreed) = answer(&body(&lines), &local(), &BOTH).unwrap();
        assert_eq!(agreed.remote.port(), 4004);
        let streams: Vec<&str> = text.lines().filter(|l| l.starts_with("m=")).collect();
        assert_eq!(
            streams,
            [
                "m=video 0 RTP/AVP 31 34",
                "m=audio 0 RTP/SAVP 8",
                "m=audio 10000 RTP/AVP 8",
                "m=audio 0 RTP/AVP 8"
            ]
        );
    }

    #[test]
    fn what_cannot_be_agreed_on_says_why() {
        let wrong = |lines: &[&str]| answer(&body(lines), &local(), &BOTH).unwrap_err();
        let address = "c=IN IP4 198.51.100.7";
        assert_eq!(wrong(&[]), SdpError::NoAudio);
        assert_eq!(wrong(&[address, "m=audio 0 RTP/AVP 8"]), SdpError::NoAudio);
        assert_eq!(wrong(&[address, "m=audio 4 RTP/SAVP 8"]), SdpError::NoAudio);
        assert_eq!(wrong(&[address, "m=audio 4 RTP/AVP 18"]), SdpError::NoCodec);
        assert_eq!(wrong(&["m=audio 4 RTP/AVP 8"]), SdpError::NoAddress);
        assert_eq!(wrong(&["c=IN IP4 pc.example.com", "m=audio 4 RTP/AVP 8"]), SdpError::NoAddress);
    }

    #[test]
    fn both_sides_of_one_conversation_agree() {
        let far = Local { address: "198.51.100.7:4000".parse().unwrap(), ..local() };
        for (codecs, direction) in [
            ([Codec::Pcma, Codec::Pcmu], Direction::SendRecv),
            ([Codec::Pcmu, Codec::Pcma], Direction::SendOnly),
        ] {
            let ours = offer(&Local { direction, ..local() }, &BOTH);
            let (text, theirs) = answer(ours.as_bytes(), &far, &codecs).unwrap();
            let agreed = accept_answer(ours.as_bytes(), text.as_bytes()).unwrap();
            assert_eq!(agreed.codec, theirs.codec);
            assert_eq!(Some(agreed.codec), codecs.first().copied());
            assert_eq!((agreed.remote, theirs.remote), (far.address, local().address));
            assert_eq!((agreed.dtmf_pt, theirs.dtmf_pt), (Some(101), Some(101)));
            assert_eq!(agreed.direction, direction);
            assert_eq!(agreed.direction.sends(), theirs.direction.receives());
        }
    }

    #[test]
    fn an_answer_with_digits_of_another_number_leaves_ours_for_what_comes() {
        let ours = offer(&local(), &BOTH);
        let lines =
            ["c=IN IP4 192.0.2.1", "m=audio 4 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000"];
        let agreed = accept_answer(ours.as_bytes(), &body(&lines)).unwrap();
        assert_eq!((agreed.dtmf_pt, agreed.dtmf_received_pt), (Some(96), Some(101)));
        let none = ["c=IN IP4 192.0.2.1", "m=audio 4 RTP/AVP 8"];
        let agreed = accept_answer(ours.as_bytes(), &body(&none)).unwrap();
        assert_eq!((agreed.dtmf_pt, agreed.dtmf_received_pt), (None, None));
    }

    #[test]
    fn an_answer_may_not_bring_what_was_not_offered() {
        let ours = offer(&local(), &[Codec::Pcma]);
        let accept = |lines: &[&str]| accept_answer(ours.as_bytes(), &body(lines));
        let address = "c=IN IP4 198.51.100.7";
        assert_eq!(accept(&[address, "m=audio 4 RTP/AVP 0"]), Err(SdpError::NoCodec));
        assert_eq!(accept(&[address, "m=audio 0 RTP/AVP 8"]), Err(SdpError::NoAudio));
        assert_eq!(accept(&[address]), Err(SdpError::AnswerMismatch));
        let two = [address, "m=audio 4 RTP/AVP 8", "m=audio 6 RTP/AVP 8"];
        assert_eq!(accept(&two), Err(SdpError::AnswerMismatch));
        assert!(accept(&[address, "m=audio 4 RTP/AVP 0 8"]).is_ok());
    }

    #[test]
    fn a_strange_packet_length_counts_as_20_ms() {
        for strange in ["0", "7", "15", "200", "x", "-20"] {
            let ptime = format!("a=ptime:{strange}");
            let lines = ["c=IN IP4 198.51.100.7", "m=audio 4000 RTP/AVP 8", &ptime];
            assert_eq!(agreed(&lines).ptime_ms, 20, "{strange}");
        }
    }
}
