//! Octets to a message (Q.931 §4.1 to §4.5, §5.8.1 to §5.8.7 as far as octets tell).

use super::{
    BearerCapability, CallReference, CauseElement, ChannelIdentification, DateTime, Decoded,
    Element, Fault, FaultKind, Message, MessageType, Party, ProgressIndicator, Redirecting,
    RestartClass, WireError, element, id, message::PROTOCOL_DISCRIMINATOR, text,
};
use crate::limits::{Q931_ELEMENTS_MAX, Q931_MESSAGE_OCTETS_MAX};

/// Reads one message.
///
/// # Errors
/// When the message is to be ignored: [`WireError`].
pub fn decode(bytes: &[u8]) -> Result<Decoded, WireError> {
    if bytes.len() > Q931_MESSAGE_OCTETS_MAX {
        return Err(WireError::TooLong(bytes.len()));
    }
    let mut octets = Octets { rest: bytes };
    let discriminator = octets.next()?;
    if discriminator != PROTOCOL_DISCRIMINATOR {
        return Err(WireError::Discriminator(discriminator));
    }
    let reference = call_reference(&mut octets)?;
    let kind = match octets.next()? {
        0 => MessageType::National(octets.next()?),
        code => MessageType::from_code(code),
    };
    let mut reader = Reader::new(octets.rest);
    reader.run();
    let message = Message { reference, kind, elements: reader.elements };
    Ok(Decoded { message, faults: reader.faults })
}

/// What is left of the header.
struct Octets<'a> {
    rest: &'a [u8],
}

impl Octets<'_> {
    fn next(&mut self) -> Result<u8, WireError> {
        let (first, rest) = self.rest.split_first().ok_or(WireError::TooShort)?;
        self.rest = rest;
        Ok(*first)
    }
}

/// §4.3: a length of 0 to 2, then the value with the flag in the highest bit.
fn call_reference(octets: &mut Octets<'_>) -> Result<CallReference, WireError> {
    let length = octets.next()?;
    let (flag, value) = match length {
        0 => return Ok(CallReference::Dummy),
        1 => {
            let octet = octets.next()?;
            (octet & 0x80, u16::from(octet & 0x7F))
        }
        2 => {
            let (high, low) = (octets.next()?, octets.next()?);
            (high & 0x80, u16::from_be_bytes([high & 0x7F, low]))
        }
        other => return Err(WireError::CallReference(other)),
    };
    let from_origin = flag == 0;
    Ok(match value {
        0 => CallReference::Global { from_origin },
        value => CallReference::Call { value, from_origin },
    })
}

/// Walks over the elements.
struct Reader<'a> {
    rest: &'a [u8],
    /// The codeset by the last locking shift (§4.5.3).
    locked: u8,
    /// The codeset of the next element only (§4.5.4).
    once: Option<u8>,
    /// The identifier of the last element with a length, in the locked codeset (§5.8.5.1).
    last: u8,
    elements: Vec<Element>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn new(rest: &'a [u8]) -> Reader<'a> {
        Reader { rest, locked: 0, once: None, last: 0, elements: Vec::new(), faults: Vec::new() }
    }

    fn run(&mut self) {
        while let Some((&id, rest)) = self.rest.split_first() {
            self.rest = rest;
            if id & 0xF0 == id::SHIFT {
                self.shift(id);
                continue;
            }
            let codeset = self.once.take().unwrap_or(self.locked);
            if self.elements.len() >= Q931_ELEMENTS_MAX {
                self.fault(FaultKind::TooMany, codeset, id);
                return;
            }
            if id & 0x80 != 0 {
                self.single(codeset, id);
                continue;
            }
            let Some((content, rest)) = self.content() else {
                // The length points beyond the end: nothing behind it can be trusted.
                self.fault(FaultKind::Content, codeset, id);
                return;
            };
            self.rest = rest;
            self.variable(codeset, id, content);
        }
    }

    fn fault(&mut self, kind: FaultKind, codeset: u8, id: u8) {
        self.faults.push(Fault { kind, codeset, id });
    }

    /// §4.5.3: locking goes to higher codesets only; §4.5.4: non-locking to any.
    fn shift(&mut self, octet: u8) {
        let codeset = octet & 0x07;
        if octet & 0x08 != 0 {
            self.once = Some(codeset);
        } else if codeset > self.locked {
            (self.locked, self.last) = (codeset, 0);
        } else {
            self.fault(FaultKind::Unrecognised, self.locked, octet);
        }
    }

    fn content(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (&length, rest) = self.rest.split_first()?;
        rest.split_at_checked(usize::from(length))
    }

    fn single(&mut self, codeset: u8, octet: u8) {
        let low = octet & 0x0F;
        let element = match octet {
            _ if codeset != 0 => Element::Other { codeset, id: octet, content: Vec::new() },
            id::MORE_DATA => Element::MoreData,
            id::SENDING_COMPLETE => Element::SendingComplete,
            _ if octet & 0xF0 == id::CONGESTION_LEVEL => Element::CongestionLevel(low),
            _ if octet & 0xF0 == id::REPEAT_INDICATOR => Element::RepeatIndicator(low),
            _ => {
                self.fault(FaultKind::Unrecognised, codeset, octet);
                Element::Other { codeset, id: octet, content: Vec::new() }
            }
        };
        self.keep(element);
    }

    fn variable(&mut self, codeset: u8, id: u8, content: &[u8]) {
        if codeset == self.locked {
            if id < self.last {
                self.fault(FaultKind::OutOfSequence, codeset, id);
            }
            self.last = id;
        }
        if content.is_empty() {
            return;
        }
        if codeset != 0 {
            self.keep(Element::Other { codeset, id, content: content.to_vec() });
            return;
        }
        match read(id, content) {
            Some(element) => {
                if !element::is_known(id) {
                    let comprehension = id & 0xF0 == 0;
                    let kind = [FaultKind::Unrecognised, FaultKind::Comprehension];
                    self.fault(kind[usize::from(comprehension)], codeset, id);
                }
                self.keep(element);
            }
            None => self.fault(FaultKind::Content, codeset, id),
        }
    }

    /// §5.8.5.2: of an element that stands too often, the first ones count.
    fn keep(&mut self, element: Element) {
        let (codeset, id) = (element.codeset(), element.id());
        let same = |e: &&Element| e.codeset() == codeset && e.id() == id;
        let before = self.elements.iter().filter(same).count();
        if codeset == 0 && before >= element::times_max(id) {
            self.fault(FaultKind::Repeated, codeset, id);
        } else {
            self.elements.push(element);
        }
    }
}

/// The element of codeset 0 with these contents; `None` if they cannot be read.
fn read(id: u8, content: &[u8]) -> Option<Element> {
    if content.len() > element::content_max(id) {
        return None;
    }
    Some(match id {
        id::BEARER_CAPABILITY => Element::BearerCapability(BearerCapability::parse(content)?),
        id::CAUSE => Element::Cause(CauseElement::parse(content)?),
        id::CALL_STATE => Element::CallState(call_state(content)?),
        id::CHANNEL_IDENTIFICATION => {
            Element::ChannelIdentification(ChannelIdentification::parse(content)?)
        }
        id::FACILITY => Element::Facility(content.to_vec()),
        id::PROGRESS_INDICATOR => Element::ProgressIndicator(ProgressIndicator::parse(content)?),
        id::NOTIFICATION_INDICATOR => Element::NotificationIndicator(content.first()? & 0x7F),
        id::DISPLAY => Element::Display(text::read_display(content)?),
        id::DATE_TIME => Element::DateTime(DateTime::parse(content)?),
        id::KEYPAD_FACILITY => Element::Keypad(text::read_digits(content)?),
        id::CONNECTED_NUMBER => Element::ConnectedNumber(Party::parse(content)?),
        id::CALLING_PARTY_NUMBER => Element::CallingParty(Party::parse(content)?),
        id::CALLED_PARTY_NUMBER => Element::CalledParty(Party::parse(content)?),
        id::REDIRECTING_NUMBER => Element::RedirectingNumber(Redirecting::parse(content)?),
        id::RESTART_INDICATOR => Element::RestartIndicator(RestartClass::parse(content)?),
        id::LOW_LAYER_COMPATIBILITY => Element::LowLayer(content.to_vec()),
        id::HIGH_LAYER_COMPATIBILITY => Element::HighLayer(content.to_vec()),
        id::USER_USER => Element::UserUser(content.to_vec()),
        _ => Element::Other { codeset: 0, id, content: content.to_vec() },
    })
}

/// Octet 3 of the call state: coding standard ITU-T and the state (§4.5.7).
fn call_state(content: &[u8]) -> Option<u8> {
    let octet = content.first()?;
    (octet & 0xC0 == 0).then_some(octet & 0x3F)
}
