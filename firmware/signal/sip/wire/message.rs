//! A request or a response as a value, and its emission.

use core::fmt::Write;

use super::{CSeq, HeaderName, Headers, Method, NameAddr, StatusCode, Uri, Via, header::one_line};

/// A request (RFC 3261 §7.1). A parsed one has every mandatory field and at least one Via.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Of whom.
    pub uri: Uri,
    /// The way back, topmost first; never empty.
    pub via: Vec<Via>,
    /// Who asks.
    pub from: NameAddr,
    /// Who was meant.
    pub to: NameAddr,
    /// The call.
    pub call_id: String,
    /// The place in the call; its method is [`Request::method`].
    pub cseq: CSeq,
    /// Everything else, in order.
    pub headers: Headers,
    /// As many bytes as Content-Length said.
    pub body: Vec<u8>,
}

/// A response (RFC 3261 §7.2). A parsed one has every mandatory field and at least one Via.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What became of it.
    pub status: StatusCode,
    /// The same for a reader; may be empty, any language.
    pub reason: String,
    /// As in the request, topmost first; never empty.
    pub via: Vec<Via>,
    /// As in the request.
    pub from: NameAddr,
    /// As in the request, with the answerer's tag.
    pub to: NameAddr,
    /// As in the request.
    pub call_id: String,
    /// As in the request.
    pub cseq: CSeq,
    /// Everything else, in order.
    pub headers: Headers,
    /// As many bytes as Content-Length said.
    pub body: Vec<u8>,
}

/// Either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Something is asked of us.
    Request(Request),
    /// Something that we asked is answered.
    Response(Response),
}

impl Request {
    /// A request with the mandatory fields (RFC 3261 §8.1.1) and Max-Forwards 70, without body.
    #[must_use]
    pub fn new(
        method: Method,
        uri: impl Into<Uri>,
        via: Via,
        from: NameAddr,
        to: NameAddr,
        call_id: impl Into<String>,
        cseq_number: u32,
    ) -> Request {
        let mut headers = Headers::new();
        headers.push(HeaderName::MaxForwards, 70);
        Request {
            cseq: CSeq { number: cseq_number, method: method.clone() },
            method,
            uri: uri.into(),
            via: vec![via],
            from,
            to,
            call_id: call_id.into(),
            headers,
            body: Vec::new(),
        }
    }

    /// The topmost Via: where the answer goes. A request has one by construction.
    #[must_use]
    pub fn top_via(&self) -> Option<&Via> {
        self.via.first()
    }

    /// Adds a body with its type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Vec<u8>>) {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
    }

    /// The bytes. Content-Length is the body's length.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let mut head = one_line(format!("{} {} SIP/2.0", self.method, self.uri));
        head.push_str("\r\n");
        let core = (&self.via, &self.from, &self.to, &self.call_id, &self.cseq);
        emit_rest(head, core, &self.headers, &self.body)
    }
}

impl Response {
    /// A response to `request` with the standard's reason phrase (RFC 3261 §8.2.6): Via, From, To,
    /// Call-ID and CSeq are the request's, and a 100 repeats its Timestamp. The To tag is the
    /// caller's to set ([`Response::tag_to`]); a 100 needs none.
    #[must_use]
    pub fn to_request(request: &Request, status: StatusCode) -> Response {
        let mut headers = Headers::new();
        let timestamp = request.headers.get(&HeaderName::Timestamp);
        if let Some(timestamp) = timestamp.filter(|_| status == StatusCode::TRYING) {
            headers.push(HeaderName::Timestamp, timestamp);
        }
        Response {
            status,
            reason: status.reason().to_owned(),
            via: request.via.clone(),
            from: request.from.clone(),
            to: request.to.clone(),
            call_id: request.call_id.clone(),
            cseq: request.cseq.clone(),
            headers,
            body: Vec::new(),
        }
    }

    /// Puts our tag on To unless the request already had one (RFC 3261 §8.2.6.2).
    pub fn tag_to(&mut self, tag: &str) {
        if self.to.tag().is_none() {
            self.to.params.set("tag", tag);
        }
    }

    /// The topmost Via: ours, if the response is for us.
    #[must_use]
    pub fn top_via(&self) -> Option<&Via> {
        self.via.first()
    }

    /// Adds a body with its type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Vec<u8>>) {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
    }

    /// The bytes. Content-Length is the body's length.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let mut head = one_line(format!("SIP/2.0 {} {}", self.status, self.reason));
        head.push_str("\r\n");
        let core = (&self.via, &self.from, &self.to, &self.call_id, &self.cseq);
        emit_rest(head, core, &self.headers, &self.body)
    }
}

impl Message {
    /// The bytes.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        match self {
            Message::Request(request) => request.emit(),
            Message::Response(response) => response.emit(),
        }
    }

    /// The request, if it is one.
    #[must_use]
    pub fn request(self) -> Option<Request> {
        match self {
            Message::Request(request) => Some(request),
            Message::Response(_) => None,
        }
    }

    /// The response, if it is one.
    #[must_use]
    pub fn response(self) -> Option<Response> {
        match self {
            Message::Response(response) => Some(response),
            Message::Request(_) => None,
        }
    }
}

type Core<'a> = (&'a Vec<Via>, &'a NameAddr, &'a NameAddr, &'a String, &'a CSeq);

/// Everything behind the start line.
fn emit_rest(head: String, core: Core<'_>, headers: &Headers, body: &[u8]) -> Vec<u8> {
    let (via, from, to, call_id, cseq) = core;
    let mut head = head;
    for via in via {
        push_line(&mut head, "Via", via);
    }
    push_line(&mut head, "From", from);
    push_line(&mut head, "To", to);
    push_line(&mut head, "Call-ID", call_id);
    push_line(&mut head, "CSeq", cseq);
    for header in headers.iter().filter(|h| !is_carried(&h.name)) {
        push_line(&mut head, header.name.as_str(), &header.value);
    }
    push_line(&mut head, "Content-Length", body.len());
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Whether the message carries this field typed, or computes it.
pub(crate) fn is_carried(name: &HeaderName) -> bool {
    [
        HeaderName::Via,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
        HeaderName::CSeq,
        HeaderName::ContentLength,
    ]
    .contains(name)
}

/// One header line; a line break inside becomes a space, so that no value can forge a header.
pub(crate) fn push_line(out: &mut String, name: &str, value: impl core::fmt::Display) {
    let start = out.len();
    // Writing into a String cannot fail.
    let _ = write!(out, "{name}: {value}");
    if out.get(start..).is_some_and(|line| line.contains(['\r', '\n'])) {
        let line = one_line(out.split_off(start));
        out.push_str(&line);
    }
    out.push_str("\r\n");
}
