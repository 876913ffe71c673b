//! Session descriptions.

use std::net::SocketAddr;

use signal::sip::sdp::{Codec, Description, Direction, Local, accept_answer, answer, offer};

/// What is understood is understood the same when we write it. An offer that can be answered is answered by a description with as many streams; an answer that
/// can be taken names only what was offered.
///
/// # Panics
/// When it is not.
pub fn sdp(octets: &[u8]) {
    if let Ok(description) = Description::parse(octets) {
        let again = Description::parse(description.to_string().as_bytes());
        assert_eq!(again.as_ref(), Ok(&description));
    }
    let local = Local {
        address: SocketAddr::from(([192, 0, 2, 1], 4_000)),
        session_id: 1,
        version: 1,
        dtmf_pt: 101,
        ptime_ms: 20,
        direction: Direction::SendRecv,
    };
    let codecs = [Codec::Pcma, Codec::Pcmu];
    if let Ok((text, agreed)) = answer(octets, &local, &codecs) {
        let theirs = Description::parse(octets).expect("it was answered");
        let ours = Description::parse(text.as_bytes()).expect("our own words");
        assert_eq!(ours.media.len(), theirs.media.len());
        assert_eq!(ours.media.iter().filter(|media| media.port != 0).count(), 1);
        assert!(codecs.contains(&agreed.codec));
    }
    let ours = offer(&local, &codecs);
    if let Ok(agreed) = accept_answer(ours.as_bytes(), octets) {
        assert!(codecs.contains(&agreed.codec));
        assert_ne!(agreed.remote.port(), 0);
        assert!((10..=60).contains(&agreed.ptime_ms) && agreed.ptime_ms % 10 == 0);
    }
}
