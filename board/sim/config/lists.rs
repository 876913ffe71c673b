//! The town's own lists: trunks, phones, subscribers.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::ConfigError;
use super::reader::{Entry, Reader};
use crate::limits::{PHONES_MAX, SUBSCRIBERS_MAX, TIME_MS_MAX};
use crate::town::{Chances, Habit, Phone, Subscriber, Trunk};

const TRUNK: &[&str] = &["name", "host", "port", "register", "username", "secret", "caller_id"];
const PHONE: &[&str] = &["account", "secret", "agent", "pin", "name"];
const SUBSCRIBER: &[&str] = &[
    "numbers",
    "answer",
    "busy",
    "refuse",
    "unallocated",
    "machine",
    "ring_ms",
    "talk_ms",
    "ring_back",
];

/// Where an entry says nothing else.
const RING_MS: (u64, u64) = (2_000, 12_000);
const TALK_MS: (u64, u64) = (8_000, 40_000);

/// `[[town.trunk]]`. Host, port and caller id are the box's business.
pub(super) fn trunks(r: &Reader<'_>) -> Result<Vec<Trunk>, ConfigError> {
    let trunk = |entry: &Entry<'_>| {
        entry.knows(TRUNK)?;
        let register = entry.truth("register")?;
        // Whom it does not ask for a password the carrier knows by address.
        let default = if register { None } else { Some("") };
        Ok(Trunk {
            name: entry.text("name", Some("town"), is_some, "name it")?,
            register,
            username: entry.text("username", default, is_some, "name the account")?,
            secret: entry.text("secret", default, is_some, "give the account's password")?,
        })
    };
    r.entries("town", "trunk")?.iter().map(trunk).collect()
}

/// `[[town.phone]]`. Phones hear SIP at the ports that follow the carrier's.
pub(super) fn phones(r: &Reader<'_>, carrier: SocketAddr) -> Result<Vec<Phone>, ConfigError> {
    let entries = r.entries("town", "phone")?;
    if let Some(first_too_many) = entries.get(PHONES_MAX) {
        let reason = format!("more than {PHONES_MAX} phones");
        return Err(first_too_many.refuse("", &reason, "leave some out"));
    }
    if usize::from(u16::MAX - carrier.port()) < entries.len() {
        let advice = format!("choose a port up to {}", usize::from(u16::MAX) - entries.len());
        return Err(r.refuse("town", "sip", "no room for the phones' ports above it", advice));
    }
    let mut seen = BTreeSet::new();
    let mut phones = Vec::with_capacity(entries.len());
    for (entry, port) in entries.iter().zip(carrier.port().saturating_add(1)..=u16::MAX) {
        entry.knows(PHONE)?;
        let account = entry.text("account", None, is_some, "name the box's account")?;
        if !seen.insert(account.clone()) {
            let reason = format!("{account} is there twice");
            return Err(entry.refuse("account", &reason, "give each phone its own account"));
        }
        phones.push(Phone {
            address: SocketAddr::new(carrier.ip(), port),
            account,
            secret: entry.text("secret", None, is_some, "give the account's password")?,
            agent: entry.text("agent", None, is_keyed, "write 1 to 16 digits")?,
            pin: entry.text("pin", None, is_keyed, "write 1 to 16 digits")?,
            name: entry.text("name", Some(""), |_| true, "write it as text")?,
            habit: Habit::Works,
        });
    }
    Ok(phones)
}

/// `[[town.subscriber]]`.
pub(super) fn subscribers(r: &Reader<'_>) -> Result<Vec<Subscriber>, ConfigError> {
    let entries = r.entries("town", "subscriber")?;
    if let Some(first_too_many) = entries.get(SUBSCRIBERS_MAX) {
        let reason = format!("more than {SUBSCRIBERS_MAX} entries");
        return Err(first_too_many.refuse("", &reason, "describe ranges, not single numbers"));
    }
    entries.iter().map(subscriber).collect()
}

fn subscriber(entry: &Entry<'_>) -> Result<Subscriber, ConfigError> {
    entry.knows(SUBSCRIBER)?;
    let chances = Chances {
        answer: entry.part("answer")?,
        busy: entry.part("busy")?,
        refuse: entry.part("refuse")?,
        unallocated: entry.part("unallocated")?,
        machine: entry.part("machine")?,
    };
    let sum: f64 = chances.parts().iter().map(|(part, _)| part).sum();
    if sum > 1.000_001 {
        let reason = format!("the chances add up to {:.3}", sum);
        let reason = reason.trim_end_matches('0');
        return Err(entry.refuse("", reason, "lower them: together they are at most 1"));
    }
    Ok(Subscriber {
        numbers: entry.text("numbers", None, is_prefix, "write + and the first digits")?,
        chances,
        ring_ms: entry.span_ms("ring_ms", RING_MS, TIME_MS_MAX)?,
        talk_ms: entry.span_ms("talk_ms", TALK_MS, TIME_MS_MAX)?,
        ring_back: entry.truth("ring_back")?,
    })
}

const fn is_some(text: &str) -> bool {
    !text.is_empty()
}

fn is_keyed(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_prefix(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=call::number::DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
}
