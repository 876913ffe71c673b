//! The answer to a request that does not parse.

use core::net::SocketAddr;

use super::{
    HeaderName, NameAddr, StatusCode, Via, WireError, frame::Frame, header::one_line, lex,
    message::push_line,
};
use crate::limits::VIA_MAX;

/// A request that is too broken to be a [`super::Request`], and yet its sender can be told:
/// the topmost Via tells the way back, and the method is not ACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest {
    /// 400, 505 or 513.
    pub status: StatusCode,
    /// What was wrong; becomes the reason phrase.
    pub error: WireError,
    /// The way back.
    top: Via,
    /// The other Via values and the first From, To, Call-ID and CSeq, as they came.
    echo: Vec<(HeaderName, String)>,
}

impl BadRequest {
    pub(super) fn new(
        frame: &Frame<'_>,
        top: Via,
        status: StatusCode,
        error: WireError,
    ) -> BadRequest {
        let others = frame.all(HeaderName::Via).flat_map(lex::split_list).skip(1);
        let others = others.filter(|via| Via::parse(via).is_ok()).take(VIA_MAX);
        let mut echo: Vec<_> = others.map(|via| (HeaderName::Via, via.to_owned())).collect();
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            if let Some(value) = frame.all(name.clone()).next() {
                echo.push((name, value.to_owned()));
            }
        }
        BadRequest { status, error, top, echo }
    }

    /// The response and where it goes: always to the host that sent the request, so that nobody
    /// can be hit by our answers to somebody else. `to_tag` goes on To if it has no tag.
    #[must_use]
    pub fn answer(&self, source: SocketAddr, to_tag: &str) -> (SocketAddr, Vec<u8>) {
        let mut top = self.top.clone();
        top.stamp(source);
        let address = top.response_address().unwrap_or(source);
        let mut out = one_line(format!("SIP/2.0 {} {}", self.status, self.error));
        out.push_str("\r\n");
        push_line(&mut out, "Via", &top);
        for (name, value) in &self.echo {
            match tagged(name, value, to_tag) {
                Some(to) => push_line(&mut out, "To", to),
                None => push_line(&mut out, name.as_str(), value),
            }
        }
        push_line(&mut out, "Content-Length", 0);
        out.push_str("\r\n");
        (address, out.into_bytes())
    }
}

/// `value` with our tag, if it is a To that parses and has none.
fn tagged(name: &HeaderName, value: &str, tag: &str) -> Option<NameAddr> {
    let is_to = *name == HeaderName::To;
    let to = is_to.then(|| NameAddr::parse(value, WireError::Malformed("To")).ok())??;
    to.tag().is_none().then(|| to.with_tag(tag))
}
