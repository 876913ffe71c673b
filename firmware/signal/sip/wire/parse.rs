//! From a datagram to a [`Message`], or to a refusal that says whether it can be answered.

use super::{
    BadRequest, CSeq, Header, HeaderName, Headers, Message, Method, NameAddr, Request, Response,
    StatusCode, Uri, Via, WireError, frame::Frame, lex, message::is_carried,
};
use crate::limits::VIA_MAX;

/// Why a datagram is not a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nobody can be answered, or nobody may be (a response, an ACK): drop it and count it.
    Drop(WireError),
    /// A broken request whose sender can be told: send [`BadRequest::answer`].
    Answer(Box<BadRequest>),
}

impl Refused {
    /// What was wrong.
    #[must_use]
    pub fn error(&self) -> WireError {
        match self {
            Refused::Drop(error) => *error,
            Refused::Answer(bad) => bad.error,
        }
    }
}

impl Message {
    /// Reads one datagram (RFC 3261 §7, §18.3): bytes beyond Content-Length are dropped, fewer
    /// bytes are an error, no Content-Length means all of them.
    pub fn parse(datagram: &[u8]) -> Result<Message, Refused> {
        let frame = Frame::cut(datagram).map_err(Refused::Drop)?;
        if is_response(frame.start_line) {
            return parse_response(&frame).map(Message::Response).map_err(Refused::Drop);
        }
        parse_request(&frame).map(Message::Request).map_err(|error| refuse(&frame, error))
    }
}

fn is_response(start_line: &str) -> bool {
    start_line.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("SIP/"))
}

fn parse_request(frame: &Frame<'_>) -> Result<Request, WireError> {
    let (method, uri) = request_line(frame.start_line)?;
    let fields = Fields::read(frame)?;
    if fields.cseq.method != method {
        return Err(WireError::CSeqMethod);
    }
    // A branch that is only the cookie names no transaction (RFC 4475 §3.1.2.17).
    let top = fields.via.first().map(Via::branch).unwrap_or_default();
    if top.eq_ignore_ascii_case(super::MAGIC_COOKIE) {
        return Err(WireError::Malformed("Via"));
    }
    let Fields { via, from, to, call_id, cseq, headers, body } = fields;
    Ok(Request { method, uri, via, from, to, call_id, cseq, headers, body })
}

fn parse_response(frame: &Frame<'_>) -> Result<Response, WireError> {
    let (status, reason) = status_line(frame.start_line)?;
    let Fields { via, from, to, call_id, cseq, headers, body } = Fields::read(frame)?;
    Ok(Response { status, reason, via, from, to, call_id, cseq, headers, body })
}

/// `Method SP Request-URI SP SIP-Version`, with exactly these spaces.
fn request_line(line: &str) -> Result<(Method, Uri), WireError> {
    let mut parts = line.split(' ');
    let (Some(method), Some(uri), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(WireError::StartLine);
    };
    check_version(version)?;
    let uri = Uri::parse(uri).map_err(|_| WireError::RequestUri)?;
    // Headers belong to URIs on paper, never to the one in the start line (RFC 3261 §19.1.1).
    if uri.sip().is_some_and(|uri| !uri.headers.is_empty()) {
        return Err(WireError::RequestUri);
    }
    Ok((Method::parse(method)?, uri))
}

/// `SIP-Version SP Status-Code SP Reason-Phrase`; the phrase may be empty.
fn status_line(line: &str) -> Result<(StatusCode, String), WireError> {
    let (version, rest) = line.split_once(' ').ok_or(WireError::StartLine)?;
    check_version(version)?;
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let digits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
    let code = code.parse().ok().filter(|_| digits).and_then(StatusCode::new);
    Ok((code.ok_or(WireError::Status)?, reason.to_owned()))
}

fn check_version(version: &str) -> Result<(), WireError> {
    let (name, number) = version.split_once('/').ok_or(WireError::StartLine)?;
    match (name.eq_ignore_ascii_case("SIP"), number) {
        (true, "2.0") => Ok(()),
        (true, _) => Err(WireError::Version),
        (false, _) => Err(WireError::StartLine),
    }
}

/// What requests and responses have in common.
struct Fields {
    via: Vec<Via>,
    from: NameAddr,
    to: NameAddr,
    call_id: String,
    cseq: CSeq,
    headers: Headers,
    body: Vec<u8>,
}

impl Fields {
    fn read(frame: &Frame<'_>) -> Result<Fields, WireError> {
        if let Some(fault) = frame.fault {
            return Err(fault);
        }
        let from = NameAddr::parse(one(frame, HeaderName::From)?, WireError::Malformed("From"))?;
        let to = NameAddr::parse(one(frame, HeaderName::To)?, WireError::Malformed("To"))?;
        let call_id = one(frame, HeaderName::CallId)?;
        if call_id.is_empty() || !call_id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(WireError::Malformed("Call-ID"));
        }
        Ok(Fields {
            via: read_via(frame)?,
            from,
            to,
            call_id: call_id.to_owned(),
            cseq: CSeq::parse(one(frame, HeaderName::CSeq)?)?,
            headers: read_headers(frame)?,
            body: read_body(frame)?,
        })
    }
}

fn read_via(frame: &Frame<'_>) -> Result<Vec<Via>, WireError> {
    let mut list = Vec::new();
    for value in frame.all(HeaderName::Via).flat_map(lex::split_list) {
        if list.len() == VIA_MAX {
            return Err(WireError::TooMany("Via"));
        }
        list.push(Via::parse(value)?);
    }
    if list.is_empty() { Err(WireError::Missing("Via")) } else { Ok(list) }
}

/// The fields beside the typed ones; those that some machine reads typed are checked here, so
/// that whoever reads them later from a parsed message meets no error.
fn read_headers(frame: &Frame<'_>) -> Result<Headers, WireError> {
    let mut headers = Headers::new();
    for (name, value) in frame.lines.iter().filter(|(name, _)| !is_carried(name)) {
        headers.push_parsed(Header { name: name.clone(), value: value.clone() });
    }
    for name in [HeaderName::MaxForwards, HeaderName::Expires] {
        optional(frame, name)?;
    }
    headers.max_forwards()?;
    headers.expires_s()?;
    headers.contacts()?;
    headers.addresses(&HeaderName::Route)?;
    headers.addresses(&HeaderName::RecordRoute)?;
    Ok(headers)
}

/// RFC 3261 §18.3 for datagrams.
fn read_body(frame: &Frame<'_>) -> Result<Vec<u8>, WireError> {
    let error = WireError::Malformed("Content-Length");
    let Some(length) = optional(frame, HeaderName::ContentLength)? else {
        return Ok(frame.rest.to_vec());
    };
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return Err(error);
    }
    let length: usize = length.parse().map_err(|_| error)?;
    frame.rest.get(..length).map(<[u8]>::to_vec).ok_or(WireError::BodyShort)
}

/// The value of a field that must stand exactly once.
fn one<'a>(frame: &'a Frame<'_>, name: HeaderName) -> Result<&'a str, WireError> {
    let label = name.label();
    optional(frame, name)?.ok_or(WireError::Missing(label))
}

/// The value of a field that may stand once.
fn optional<'a>(frame: &'a Frame<'_>, name: HeaderName) -> Result<Option<&'a str>, WireError> {
    let label = name.label();
    let mut values = frame.all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(WireError::Duplicate(label)),
    }
}

/// Whether the sender of a broken request can be told, and with which code.
fn refuse(frame: &Frame<'_>, error: WireError) -> Refused {
    let method = frame.start_line.split(' ').find(|part| !part.is_empty()).unwrap_or_default();
    let is_request_like = frame.start_line.contains("SIP/") && method != "ACK";
    let top = frame.all(HeaderName::Via).flat_map(lex::split_list).next();
    let Some(top) = top.filter(|_| is_request_like).and_then(Via::parse_way_back) else {
        return Refused::Drop(error);
    };
    let status = if error == WireError::Version {
        StatusCode::VERSION_NOT_SUPPORTED
    } else if error == WireError::MessageTooLong {
        StatusCode::MESSAGE_TOO_LARGE
    } else {
        StatusCode::BAD_REQUEST
    };
    Refused::Answer(Box::new(BadRequest::new(frame, top, status, error)))
}
