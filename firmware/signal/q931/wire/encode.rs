//! A message to octets, in the order of the standard (Q.931 §3, §4.5.1).

use super::{
    CallReference, Element, Message, MessageType, element, id, message::PROTOCOL_DISCRIMINATOR,
    text,
};
use crate::limits::Q931_MESSAGE_OCTETS_MAX;

/// Appends the message to `out`. Returns how many elements were left out because they would have
/// made it longer than [`Q931_MESSAGE_OCTETS_MAX`]; 0 for every message that the call machine
/// builds. Contents longer than the standard's maximum are cut off there.
pub fn encode(message: &Message, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.push(PROTOCOL_DISCRIMINATOR);
    encode_reference(message.reference, out);
    out.push(message.kind.code());
    if let MessageType::National(code) = message.kind {
        out.push(code);
    }
    let (mut codeset, mut left_out) = (0, 0);
    for element in ordered(&message.elements) {
        let before = out.len();
        let shifts = element.codeset() != codeset;
        if shifts {
            out.push(id::SHIFT | element.codeset());
        }
        encode_element(element, out);
        let written = out.len() > before + usize::from(shifts);
        if written && out.len() - start <= Q931_MESSAGE_OCTETS_MAX {
            codeset = element.codeset();
        } else {
            left_out += usize::from(written);
            out.truncate(before);
        }
    }
    left_out
}

/// Two octets whatever the value, as a primary rate interface has it (§4.3).
fn encode_reference(reference: CallReference, out: &mut Vec<u8>) {
    let (value, from_origin) = match reference {
        CallReference::Dummy => {
            out.push(0);
            return;
        }
        CallReference::Global { from_origin } => (0, from_origin),
        CallReference::Call { value, from_origin } => (value & 0x7FFF, from_origin),
    };
    let flag = if from_origin { 0 } else { 0x8000 };
    out.push(2);
    out.extend_from_slice(&(value | flag).to_be_bytes());
}

/// The elements that can be sent, sorted by codeset and by the place of §3's tables: sending
/// complete and congestion level in front, more data before the user's octets, then by identifier;
/// other single octets stay before the element that they stood before. Equals keep their order.
fn ordered(elements: &[Element]) -> Vec<&Element> {
    let mut keyed: Vec<(u8, u16, &Element)> = Vec::with_capacity(elements.len());
    for (at, element) in elements.iter().enumerate() {
        let shift = element.id() & 0xF0 == id::SHIFT;
        if element.codeset() <= 7 && !shift {
            keyed.push((element.codeset(), rank(element, elements.get(at..)), element));
        }
    }
    keyed.sort_by_key(|(codeset, rank, _)| (*codeset, *rank));
    keyed.into_iter().map(|(_, _, element)| element).collect()
}

fn rank(element: &Element, from_here: Option<&[Element]>) -> u16 {
    let by_id = |id: u8| 2 * u16::from(id) + 2;
    let id = element.id();
    if matches!(element, Element::SendingComplete | Element::CongestionLevel(_)) {
        0
    } else if *element == Element::MoreData {
        by_id(id::USER_USER) - 1
    } else if id & 0x80 == 0 {
        by_id(id)
    } else {
        let mut behind = from_here.unwrap_or_default().iter();
        let next = behind.find(|e| e.codeset() == element.codeset() && e.id() & 0x80 == 0);
        next.map_or(u16::MAX, |next| by_id(next.id()))
    }
}

/// Appends nothing if the element has no contents (§4.5.1).
fn encode_element(element: &Element, out: &mut Vec<u8>) {
    let id = element.id();
    let mut content = Vec::new();
    match element {
        Element::MoreData | Element::SendingComplete => return out.push(id),
        Element::CongestionLevel(low) | Element::RepeatIndicator(low) => {
            return out.push(id | (low & 0x0F));
        }
        Element::Other { id, .. } if id & 0x80 != 0 => return out.push(*id),
        Element::BearerCapability(bearer) => bearer.emit(&mut content),
        Element::Cause(cause) => cause.emit(&mut content),
        Element::CallState(state) => content.push(state & 0x3F),
        Element::ChannelIdentification(channel) => channel.emit(&mut content),
        Element::ProgressIndicator(progress) => progress.emit(&mut content),
        Element::NotificationIndicator(notification) => content.push(0x80 | notification),
        Element::Display(display) => text::emit_display(display, &mut content),
        Element::DateTime(moment) => moment.emit(&mut content),
        Element::Keypad(keys) => text::emit_digits(keys, &mut content),
        Element::ConnectedNumber(party)
        | Element::CallingParty(party)
        | Element::CalledParty(party) => party.emit(&mut content),
        Element::RedirectingNumber(redirecting) => redirecting.emit(&mut content),
        Element::RestartIndicator(class) => content.push(0x80 | class.code()),
        Element::Facility(octets)
        | Element::LowLayer(octets)
        | Element::HighLayer(octets)
        | Element::UserUser(octets)
        | Element::Other { content: octets, .. } => content.extend_from_slice(octets),
    }
    let limit = if element.codeset() == 0 { element::content_max(id) } else { 255 };
    content.truncate(limit);
    if let Ok(length @ 1..) = u8::try_from(content.len()) {
        out.push(id);
        out.push(length);
        out.extend_from_slice(&content);
    }
}
