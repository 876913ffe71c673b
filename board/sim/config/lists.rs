//! The town's SIP side: trunks and phones.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::ConfigError;
use super::reader::{Entry, Reader};
use crate::limits::PHONES_MAX;
use crate::town::{Habit, Phone, Trunk};

const TRUNK: &[&str] = &["name", "host", "port", "register", "username", "secret", "caller_id"];
const PHONE: &[&str] = &["account", "secret", "agent", "pin", "name"];
/// `[[town.trunk]]`. Host, port and caller id are the box's business.
pub(super) fn trunks(r: &Reader<'_>) -> Result<Vec<Trunk>, ConfigError> {
    let trunk = |entry: &Entry<'_>| {
        entry.knows(TRUNK)?;
        let register = entry.truth("register", false)?;
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

const fn is_some(text: &str) -> bool {
    !text.is_empty()
}

fn is_keyed(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}
