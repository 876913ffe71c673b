//! A dialog: what two user agents agree on between an INVITE and its BYE (RFC 3261 §12).
//!
//! Tags, sequence numbers of both directions, route set, remote target. It builds the requests of
//! the dialog (without Via, which the table of transactions stamps) and judges the sequence of what
//! arrives. It has no state but these: whether the call is ringing or up is the session's to know.

use std::net::{IpAddr, SocketAddr};

use super::flow::Flow;
use super::wire::{
    CSEQ_MAX, CSeq, HeaderName, Headers, Method, NameAddr, Request, Response, SipUri, Uri,
};

/// How the next hop of a request in a dialog is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Where the far end's own messages come from. Phones stand behind NAT, and what they write
    /// into Contact is true only on their side of it.
    Symmetric,
    /// The first route, else the remote target, if it is an address (RFC 3261 §12.2.1.1); else as
    /// above. For trunks, whose Record-Route and Contact may name another machine. An address of a
    /// private network that speaks to us from a public one stands behind NAT too: as above.
    Routed,
}

/// One dialog, early or confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    /// The Call-ID.
    pub call_id: String,
    /// Our From, with our tag.
    pub local: NameAddr,
    /// Our To, with the far end's tag if it gave one.
    pub remote: NameAddr,
    /// The sequence number of our last request.
    pub local_cseq: u32,
    /// The sequence number of the far end's last request; nothing before its first.
    pub remote_cseq: Option<u32>,
    /// Through whom requests go, next hop first.
    pub routes: Vec<NameAddr>,
    /// The far end itself.
    pub target: Uri,
    /// Where the far end's messages come from.
    pub flow: Flow,
    /// How the next hop is found.
    pub hop: Hop,
}

impl Dialog {
    /// The caller's dialog, from its INVITE and an answer to it (§12.1.2).
    #[must_use]
    pub fn of_response(request: &Request, response: &Response, flow: Flow, hop: Hop) -> Dialog {
        let mut routes = response.headers.addresses(&HeaderName::RecordRoute).unwrap_or_default();
        routes.reverse();
        let contact = response.headers.contact();
        Dialog {
            call_id: request.call_id.clone(),
            local: request.from.clone(),
            remote: response.to.clone(),
            local_cseq: request.cseq.number,
            remote_cseq: None,
            routes,
            target: contact.map_or_else(|| request.uri.clone(), |contact| contact.uri),
            flow,
            hop,
        }
    }

    /// The callee's dialog, from the INVITE that has arrived and the tag we answer with (§12.1.1).
    #[must_use]
    pub fn of_request(request: &Request, local_tag: &str, flow: Flow, hop: Hop) -> Dialog {
        let contact = request.headers.contact();
        Dialog {
            call_id: request.call_id.clone(),
            local: request.to.clone().with_tag(local_tag),
            remote: request.from.clone(),
            local_cseq: 0,
            remote_cseq: Some(request.cseq.number),
            routes: request.headers.addresses(&HeaderName::RecordRoute).unwrap_or_default(),
            target: contact.map_or_else(|| request.from.uri.clone(), |contact| contact.uri),
            flow,
            hop,
        }
    }

    /// Our tag.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        self.local.tag().unwrap_or_default()
    }

    /// The far end's tag; nothing from RFC 2543.
    #[must_use]
    pub fn remote_tag(&self) -> Option<&str> {
        self.remote.tag()
    }

    /// The next request of ours in this dialog (§12.2.1.1), without Via.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_cseq = (self.local_cseq + 1).min(CSEQ_MAX);
        self.build(method, self.local_cseq)
    }

    /// The ACK of a 2xx to our INVITE with this sequence number (§13.2.2.4), without Via.
    #[must_use]
    pub fn ack(&self, cseq: u32) -> Request {
        self.build(Method::Ack, cseq)
    }

    /// Whether the far end's request comes in order (§12.2.2); if so, it is the latest now. One
    /// that comes late is to be answered 500. An ACK or CANCEL has the number of its INVITE.
    pub fn admit(&mut self, cseq: &CSeq) -> bool {
        let in_order = self.remote_cseq.is_none_or(|last| cseq.number > last);
        if in_order {
            self.remote_cseq = Some(cseq.number);
        }
        in_order
    }

    /// Takes over the far end's new Contact (§12.2.1.2, §12.2.2: a target refresh) and where it
    /// speaks from now.
    pub fn refresh(&mut self, headers: &Headers, flow: Option<Flow>) {
        if let Some(contact) = headers.contact() {
            self.target = contact.uri;
        }
        self.flow = flow.unwrap_or(self.flow);
    }

    /// Where our requests go.
    #[must_use]
    pub fn next_hop(&self) -> Flow {
        let address = match self.hop {
            Hop::Symmetric => None,
            Hop::Routed => {
                let hop = self.routes.first().map_or(&self.target, |route| &route.uri);
                hop.sip().and_then(address_of).filter(|hop| reachable(*hop, self.flow.peer))
            }
        };
        address.map_or(self.flow, Flow::udp)
    }

    fn build(&self, method: Method, cseq: u32) -> Request {
        let mut headers = Headers::new();
        headers.push(HeaderName::MaxForwards, 70);
        let loose = |route: &NameAddr| route.uri.sip().is_some_and(SipUri::is_loose_router);
        let uri = match self.routes.split_first() {
            // A strict router wants to be the request's URI and finds the target last.
            Some((first, rest)) if !loose(first) => {
                for route in rest {
                    headers.push(HeaderName::Route, route);
                }
                headers.push(HeaderName::Route, NameAddr::new(self.target.clone()));
                first.uri.clone()
            }
            _ => {
                for route in &self.routes {
                    headers.push(HeaderName::Route, route);
                }
                self.target.clone()
            }
        };
        Request {
            cseq: CSeq { number: cseq, method: method.clone() },
            method,
            uri,
            via: Vec::new(),
            from: self.local.clone(),
            to: self.remote.clone(),
            call_id: self.call_id.clone(),
            headers,
            body: Vec::new(),
        }
    }
}

/// The address that a URI names without asking DNS.
#[must_use]
pub fn address_of(uri: &SipUri) -> Option<SocketAddr> {
    Some(SocketAddr::new(uri.host.ip()?, uri.port.unwrap_or(5060)))
}

/// Whether what the far end calls itself can be reached by us, who hear it from `seen`.
fn reachable(claimed: SocketAddr, seen: SocketAddr) -> bool {
    let is_private = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unspecified(),
    };
    claimed.port() != 0 && (!is_private(claimed) || is_private(seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::{Message, StatusCode};

    fn invite(extra: &str) -> Request {
        let text = format!(
            "INVITE sip:200@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n\
             From: \"A\" <sip:100@192.0.2.9>;tag=far\r\nTo: <sip:200@192.0.2.1>\r\n\
             Call-ID: c1\r\nCSeq: 7 INVITE\r\nContact: <sip:100@10.0.0.9:5062>\r\n{extra}\
             Content-Length: 0\r\n\r\n"
        );
        Message::parse(text.as_bytes()).unwrap().request().unwrap()
    }

    fn flow() -> Flow {
        Flow::udp("192.0.2.9:40000".parse().unwrap())
    }

    #[test]
    fn a_callee_answers_through_the_routes_in_their_order() {
        let routes = "Record-Route: <sip:192.0.2.7;lr>, <sip:192.0.2.8;lr>\r\n";
        let mut d = Dialog::of_request(&invite(routes), "mine", flow(), Hop::Routed);
        let bye = d.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:100@10.0.0.9:5062");
        let route: Vec<&str> = bye.headers.all(&HeaderName::Route).collect();
        assert_eq!(route, ["<sip:192.0.2.7;lr>", "<sip:192.0.2.8;lr>"]);
        assert_eq!((bye.from.tag(), bye.to.tag()), (Some("mine"), Some("far")));
        assert_eq!((bye.cseq.number, d.request(Method::Bye).cseq.number), (1, 2));
        assert_eq!(d.next_hop(), Flow::udp("192.0.2.7:5060".parse().unwrap()));
    }

    #[test]
    fn a_caller_reverses_the_routes_and_acknowledges_with_its_own_number() {
        let request = invite("");
        let mut ok = Response::to_request(&request, StatusCode::OK);
        ok.tag_to("theirs");
        for route in ["<sip:192.0.2.7;lr>", "<sip:192.0.2.8;lr>"] {
            ok.headers.push(HeaderName::RecordRoute, route);
        }
        ok.headers.push(HeaderName::Contact, "<sip:200@198.51.100.4>");
        let d = Dialog::of_response(&request, &ok, flow(), Hop::Routed);
        let ack = d.ack(7);
        let route: Vec<&str> = ack.headers.all(&HeaderName::Route).collect();
        assert_eq!(route, ["<sip:192.0.2.8;lr>", "<sip:192.0.2.7;lr>"]);
        assert_eq!((ack.cseq.number, ack.to.tag()), (7, Some("theirs")));
        assert_eq!(ack.uri.to_string(), "sip:200@198.51.100.4");
    }

    #[test]
    fn a_strict_router_becomes_the_uri_and_the_target_goes_last() {
        let routes = "Record-Route: <sip:192.0.2.7>, <sip:192.0.2.8;lr>\r\n";
        let mut d = Dialog::of_request(&invite(routes), "mine", flow(), Hop::Routed);
        let bye = d.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:192.0.2.7");
        let route: Vec<&str> = bye.headers.all(&HeaderName::Route).collect();
        assert_eq!(route, ["<sip:192.0.2.8;lr>", "<sip:100@10.0.0.9:5062>"]);
    }

    #[test]
    fn a_phone_behind_nat_is_spoken_to_where_it_speaks_from() {
        let mut d = Dialog::of_request(&invite(""), "mine", flow(), Hop::Symmetric);
        assert_eq!(d.next_hop(), flow());
        let moved = Flow::udp("192.0.2.9:40002".parse().unwrap());
        d.refresh(&invite("").headers, Some(moved));
        assert_eq!(d.next_hop(), moved);
    }

    #[test]
    fn a_trunk_is_spoken_to_where_it_says_unless_that_is_behind_nat() {
        // The INVITE's Contact is 10.0.0.9:5062.
        let hop = |seen: &str| {
            let flow = Flow::udp(seen.parse().unwrap());
            Dialog::of_request(&invite(""), "mine", flow, Hop::Routed).next_hop().peer.to_string()
        };
        assert_eq!(hop("10.0.0.1:5060"), "10.0.0.9:5062");
        assert_eq!(hop("192.0.2.9:40000"), "192.0.2.9:40000");
    }

    #[test]
    fn requests_come_in_order_or_not_at_all() {
        let mut d = Dialog::of_request(&invite(""), "mine", flow(), Hop::Symmetric);
        let bye = |number| CSeq { number, method: Method::Bye };
        assert!(!d.admit(&bye(7)) && d.admit(&bye(8)) && d.admit(&bye(20)) && !d.admit(&bye(9)));
    }
}
