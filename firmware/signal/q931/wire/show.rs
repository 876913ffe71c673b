//! A message as short lines for the trace that a person reads.

use super::{
    BearerCapability, CallReference, CauseElement, ChannelIdentification, CodingStandard, DateTime,
    Decoded, Element, Fault, FaultKind, Interface, LAYER1_A_LAW, LAYER1_MU_LAW, MessageType, Party,
    Redirecting, RestartClass, Which, name,
};

/// Whether digits may be read by whoever reads the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// As they are.
    Plain,
    /// Each character of numbers, keys and texts is a `*`, but for the last four of a number that
    /// has more than four. Users' own octets are told by their count.
    Masked,
}

/// How many digits of a masked number are shown.
const SHOWN_DIGITS: usize = 4;

impl Digits {
    fn number(self, digits: &str) -> String {
        let hidden = digits.chars().count().saturating_sub(SHOWN_DIGITS);
        let hidden = if hidden == 0 { usize::MAX } else { hidden };
        self.hide(digits, hidden)
    }

    /// The first `hidden` characters as stars.
    fn hide(self, text: &str, hidden: usize) -> String {
        match self {
            Digits::Plain => text.to_owned(),
            Digits::Masked => {
                text.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }).collect()
            }
        }
    }

    fn octets(self, octets: &[u8]) -> String {
        match self {
            Digits::Plain => hex(octets),
            Digits::Masked => format!("{} octets", octets.len()),
        }
    }
}

/// The message in lines: its type and call reference, then one line for each element in the order
/// received, then one for each fault. `cr=5` was sent by the side that began call 5, `cr=5'` by the
/// other.
#[must_use]
pub fn show(decoded: &Decoded, digits: Digits) -> Vec<String> {
    let message = &decoded.message;
    let mut lines =
        vec![format!("{} {}", show_kind(message.kind), show_reference(message.reference))];
    lines.extend(message.elements.iter().map(|element| show_element(element, digits)));
    lines.extend(decoded.faults.iter().map(show_fault));
    lines
}

fn show_kind(kind: MessageType) -> String {
    let name = kind.name();
    if let MessageType::National(code) = kind {
        format!("{name} 0x{code:02x}")
    } else if let MessageType::Unknown(code) = kind {
        name::of_other_message(code).map_or(format!("{name} 0x{code:02x}"), str::to_owned)
    } else {
        name.to_owned()
    }
}

fn show_reference(reference: CallReference) -> String {
    let mark = |from_origin: bool| if from_origin { "" } else { "'" };
    match reference {
        CallReference::Dummy => "cr=dummy".to_owned(),
        CallReference::Global { from_origin } => format!("cr=global{}", mark(from_origin)),
        CallReference::Call { value, from_origin } => format!("cr={value}{}", mark(from_origin)),
    }
}

fn show_element(element: &Element, digits: Digits) -> String {
    let named = |name: Option<&str>| name.map_or(String::new(), |name| format!(" {name}"));
    match element {
        Element::BearerCapability(bearer) => show_bearer(bearer),
        Element::Cause(cause) => show_cause(cause),
        Element::CallState(state) => {
            format!("CALL STATE {state}{}", named(name::of_call_state(*state)))
        }
        Element::ChannelIdentification(channel) => show_channel(channel),
        Element::Facility(octets) => format!("FACILITY {}", digits.octets(octets)),
        Element::ProgressIndicator(progress) => {
            let what = named(name::of_progress(progress.description));
            let standard = show_standard(progress.standard);
            let (number, location) = (progress.description, progress.location.name());
            format!("PROGRESS {number}{what}, {location}{standard}")
        }
        Element::NotificationIndicator(what) => {
            format!("NOTIFICATION {what}{}", named(name::of_notification(*what)))
        }
        Element::Display(text) => format!("DISPLAY {:?}", digits.hide(text, usize::MAX)),
        Element::DateTime(moment) => format!("DATE {}", show_moment(moment)),
        Element::Keypad(keys) => format!("KEYPAD {}", digits.hide(keys, usize::MAX)),
        Element::ConnectedNumber(party) => format!("CONNECTED {}", show_party(party, digits)),
        Element::CallingParty(party) => format!("CALLING {}", show_party(party, digits)),
        Element::CalledParty(party) => format!("CALLED {}", show_party(party, digits)),
        Element::RedirectingNumber(redirecting) => show_redirecting(redirecting, digits),
        Element::RestartIndicator(class) => match class {
            RestartClass::IndicatedChannels => "RESTART OF indicated channels".to_owned(),
            RestartClass::SingleInterface => "RESTART OF one interface".to_owned(),
            RestartClass::AllInterfaces => "RESTART OF all interfaces".to_owned(),
        },
        Element::LowLayer(octets) => format!("LOW LAYER {}", hex(octets)),
        Element::HighLayer(octets) => format!("HIGH LAYER {}", hex(octets)),
        Element::UserUser(octets) => format!("USER-USER {}", digits.octets(octets)),
        Element::MoreData => "MORE DATA".to_owned(),
        Element::SendingComplete => "SENDING COMPLETE".to_owned(),
        Element::CongestionLevel(level) => format!("CONGESTION LEVEL {level}"),
        Element::RepeatIndicator(what) => format!("REPEAT {what}"),
        Element::Other { codeset, id, content } => {
            format!("OTHER {} {}", show_id(*codeset, *id), digits.octets(content))
                .trim_end()
                .to_owned()
        }
    }
}

fn show_standard(standard: CodingStandard) -> &'static str {
    match standard {
        CodingStandard::Itu => "",
        CodingStandard::Iso => ", coded by ISO",
        CodingStandard::National => ", coded nationally",
        CodingStandard::Network => ", coded by the network",
    }
}

fn show_bearer(bearer: &BearerCapability) -> String {
    let mut line = format!("BEARER {}", bearer.capability.name());
    if !(bearer.mode == 0 && bearer.rate == 0x10) {
        line.push_str(&format!(", mode {} rate {}", bearer.mode, bearer.rate));
    }
    if let Some(multiplier) = bearer.multiplier {
        line.push_str(&format!(" x{multiplier}"));
    }
    for (number, layer) in [(1, &bearer.layer1), (2, &bearer.layer2), (3, &bearer.layer3)] {
        let Some(layer) = layer else { continue };
        match (number, layer.protocol) {
            (1, LAYER1_A_LAW) => line.push_str(", A-law"),
            (1, LAYER1_MU_LAW) => line.push_str(", mu-law"),
            (_, protocol) => line.push_str(&format!(", layer {number} protocol {protocol}")),
        }
        if !layer.more.is_empty() {
            line.push_str(&format!(" [{}]", hex(&layer.more)));
        }
    }
    line + show_standard(bearer.standard)
}

fn show_cause(cause: &CauseElement) -> String {
    // A value of another standard is not Q.850's.
    let name = match cause.standard {
        CodingStandard::Itu => name::of_cause(cause.value).unwrap_or("unassigned"),
        CodingStandard::Iso | CodingStandard::National | CodingStandard::Network => "value",
    };
    let mut line = format!("CAUSE {} {name}, {}", cause.value, cause.location.name());
    if let Some(recommendation) = cause.recommendation {
        line.push_str(&format!(", recommendation {recommendation}"));
    }
    line.push_str(show_standard(cause.standard));
    if !cause.diagnostics.is_empty() {
        line.push_str(&format!(" [{}]", hex(&cause.diagnostics)));
    }
    line
}

fn show_channel(channel: &ChannelIdentification) -> String {
    let numbers = || {
        let slots: Vec<String> = channel.which.slots().iter().map(u8::to_string).collect();
        slots.join(",")
    };
    let which = match &channel.which {
        Which::None => "none".to_owned(),
        Which::Any => "any".to_owned(),
        Which::Slots(_) => numbers(),
        Which::Map(_) => format!("map {}", numbers()),
    };
    let how = if channel.exclusive { "exclusive" } else { "preferred" };
    let mut line = format!("CHANNEL {which} {how}");
    if channel.d_channel {
        line.push_str(", D-channel");
    }
    if let Interface::Explicit(identifier) = &channel.interface {
        line.push_str(&format!(", interface {}", hex(identifier)));
    }
    line
}

fn show_party(party: &Party, digits: Digits) -> String {
    let number = if party.digits.is_empty() { "-".into() } else { digits.number(&party.digits) };
    let mut line = format!("{number} {} {}", party.kind.name(), party.plan.name());
    if let Some(presentation) = party.presentation {
        line.push_str(&format!(", {}", presentation.name()));
    }
    if let Some(screening) = party.screening {
        line.push_str(&format!(", {}", screening.name()));
    }
    line
}

fn show_redirecting(redirecting: &Redirecting, digits: Digits) -> String {
    let party = show_party(&redirecting.party, digits);
    match redirecting.reason {
        Some(reason) => format!("REDIRECTING {party}, because {}", reason.name()),
        None => format!("REDIRECTING {party}"),
    }
}

fn show_moment(moment: &DateTime) -> String {
    let mut line = format!("{:02}-{:02}-{:02}", moment.year, moment.month, moment.day);
    let parts = [(' ', moment.hour), (':', moment.minute), (':', moment.second)];
    for (mark, part) in parts {
        if let Some(part) = part {
            line.push_str(&format!("{mark}{part:02}"));
        }
    }
    line
}

fn show_id(codeset: u8, id: u8) -> String {
    match name::of_element(id).filter(|_| codeset == 0) {
        Some(name) => format!("0x{id:02x} {name}"),
        None if codeset == 0 => format!("0x{id:02x}"),
        None => format!("{codeset}:0x{id:02x}"),
    }
}

fn show_fault(fault: &Fault) -> String {
    let what = match fault.kind {
        FaultKind::OutOfSequence => "out of sequence",
        FaultKind::Repeated => "repeated",
        FaultKind::Content => "contents not understood",
        FaultKind::Unrecognised => "unknown",
        FaultKind::Comprehension => "unknown, comprehension required",
        FaultKind::TooMany => "too many elements from here",
    };
    format!("! {}: {what}", show_id(fault.codeset, fault.id))
}

fn hex(octets: &[u8]) -> String {
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(" ")
}
