//! Numbers as a D-channel carries them, and whose they are.
//!
//! A trunk owns its numbers as an administrator wrote them. One that begins with `+` goes out as an
//! international number; any other goes out as it is, because providers differ in what they want.

use call::{SpanId, TrunkId};
use link::limits::SHOWN_CHARS_MAX;
use link::{Trunk, Way};
use signal::q931::wire::{NumberPlan, NumberType, Party, Presentation, Screening};

/// What a caller shows of himself, as the line gave it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) number: String,
    pub(super) display: Option<String>,
    pub(super) redirecting: Option<String>,
}

/// A text of a far end as far as a record keeps it.
pub(super) fn bounded(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(SHOWN_CHARS_MAX).collect::<String>().trim().to_owned()
}

/// Digits that two numbers must share before the shorter is taken for the end of the longer.
const TAIL_DIGITS_MIN: usize = 3;

/// The called party of a call that goes out.
pub(super) fn called_party(number: &str) -> Party {
    let (kind, digits) = match number.strip_prefix('+') {
        Some(digits) => (NumberType::International, digits),
        None => (NumberType::Unknown, number),
    };
    let digits = digits.to_owned();
    Party { kind, plan: NumberPlan::Isdn, presentation: None, screening: None, digits }
}

/// The calling party of a call that goes out. The number is one that the trunk owns; the exchange
/// screens it again.
pub(super) fn calling_party(number: &str) -> Option<Party> {
    (!number.is_empty()).then(|| Party {
        presentation: Some(Presentation::Allowed),
        screening: Some(Screening::UserNotScreened),
        ..called_party(number)
    })
}

/// The number of a party of a call that came in, as it is written; empty when it may not be shown.
pub(super) fn written(party: Option<&Party>) -> String {
    let Some(party) = party else { return String::new() };
    let shown = matches!(party.presentation, None | Some(Presentation::Allowed));
    match (shown, party.kind) {
        (false, _) => String::new(),
        (true, NumberType::International) if !party.digits.is_empty() => {
            format!("+{}", party.digits)
        }
        (true, _) => party.digits.clone(),
    }
}

/// Which of `owned` is meant by the digits that an exchange sent: the number itself, or the only one
/// that ends so. `did_digits` is how many digits the exchange sends (0: all it has).
pub(super) fn meant<'a>(owned: &'a [String], sent: &str, did_digits: u8) -> Option<&'a String> {
    let sent = sent.trim_start_matches('+');
    let digits = |number: &'a String| number.trim_start_matches('+');
    if let Some(exact) = owned.iter().find(|number| digits(number) == sent) {
        return Some(exact);
    }
    // A national number comes with its prefix, which no stored number has.
    let tail = sent.trim_start_matches('0');
    let tail = if did_digits > 0 && sent.len() <= usize::from(did_digits) { sent } else { tail };
    if tail.len() < TAIL_DIGITS_MIN {
        return None;
    }
    let mut ends_so = owned.iter().filter(|number| digits(number).ends_with(tail));
    let only = ends_so.next()?;
    ends_so.next().is_none().then_some(only)
}

/// The trunk for a call that came in on this channel: the one that owns the number, or else the one
/// to whose group the channel belongs. With it the number as it owns it.
pub(super) fn trunk_for(
    trunks: &[Trunk],
    (span, slot): (SpanId, u8),
    sent: &str,
    did_digits: u8,
) -> Option<(TrunkId, String)> {
    let here = |trunk: &&Trunk| groups(trunk).any(|group| group.span == span);
    let owner = trunks.iter().filter(here).find_map(|trunk| {
        meant(&trunk.numbers, sent, did_digits).map(|number| (trunk.id, number.clone()))
    });
    owner.or_else(|| {
        let mut grouped = trunks.iter().filter(|trunk| {
            groups(trunk).any(|group| group.span == span && group.slots.contains(&slot))
        });
        grouped.next().map(|trunk| (trunk.id, sent.to_owned()))
    })
}

/// The channel groups of a trunk; none if it is reached otherwise.
pub(super) fn groups(trunk: &Trunk) -> impl DoubleEndedIterator<Item = &link::ChannelGroup> {
    let groups = match &trunk.way {
        Way::Channels { groups, .. } => groups.as_slice(),
        Way::Sip(_) => &[],
    };
    groups.iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use link::{ChannelGroup, Hunt};

    fn owned() -> Vec<String> {
        ["+861062000000", "+861062000001", "02188880000"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_number_goes_out_as_it_was_written() {
        let party = called_party("+8613800138000");
        assert_eq!(
            (party.kind, party.digits.as_str()),
            (NumberType::International, "8613800138000")
        );
        let party = called_party("010*62");
        assert_eq!((party.kind, party.digits.as_str()), (NumberType::Unknown, "010*62"));
        assert_eq!(calling_party(""), None);
    }

    #[test]
    fn what_a_far_end_shows_is_cut_and_has_no_control_signs() {
        assert_eq!(bounded(" 张\u{7}三\r\nX "), "张三X");
        assert_eq!(bounded(&"长".repeat(500)).chars().count(), SHOWN_CHARS_MAX);
    }

    #[test]
    fn a_withheld_number_is_not_shown() {
        let mut party = called_party("+4930123");
        assert_eq!(written(Some(&party)), "+4930123");
        party.presentation = Some(Presentation::Restricted);
        assert_eq!(written(Some(&party)), "");
        assert_eq!(written(None), "");
    }

    #[test]
    fn digits_of_an_exchange_are_the_end_of_one_owned_number() {
        let owned = owned();
        let number = |sent: &str, did: u8| meant(&owned, sent, did).map(String::as_str);
        assert_eq!(number("861062000000", 0), Some("+861062000000"));
        assert_eq!(number("01062000001", 0), Some("+861062000001"));
        assert_eq!(number("62000001", 8), Some("+861062000001"));
        assert_eq!(number("0001", 4), Some("+861062000001"));
        // Two end so, or too little is said.
        assert_eq!(number("0000", 4), None);
        assert_eq!(number("00", 2), None);
        assert_eq!(number("99999999", 8), None);
    }

    #[test]
    fn the_owner_of_the_number_comes_before_the_owner_of_the_channel() {
        let trunk = |id: i64, slots: Vec<u8>, numbers: &[&str]| Trunk {
            id: TrunkId(id),
            name: String::new(),
            way: Way::Channels {
                groups: vec![ChannelGroup { span: SpanId(1), slots }],
                hunt: Hunt::Ascending,
            },
            numbers: numbers.iter().map(|&n| n.to_owned()).collect(),
            channels_max: 30,
        };
        let trunks = [trunk(1, vec![1, 2], &["+861062000000"]), trunk(2, vec![3, 4], &[])];
        let found = |slot, sent| trunk_for(&trunks, (SpanId(1), slot), sent, 0);
        assert_eq!(found(3, "62000000"), Some((TrunkId(1), "+861062000000".to_owned())));
        assert_eq!(found(3, "99"), Some((TrunkId(2), "99".to_owned())));
        assert_eq!(found(9, "99"), None);
        assert_eq!(trunk_for(&trunks, (SpanId(2), 1), "62000000", 0), None);
    }
}
