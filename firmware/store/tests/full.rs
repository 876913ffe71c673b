//! A box has as many phones and trunks as its switch takes.
#![allow(clippy::unwrap_used, missing_docs)]

mod office;

use office::*;
use store::accounts::{AccountSecrets, SaveAccount};
use store::limits::{ACCOUNTS_MAX, TRUNKS_MAX};
use store::trunks::SaveTrunk;
use store::{BoxChange, Error, Secret, Store, TenantChange};

fn save(store: &mut Store, tenant: call::TenantId, account: SaveAccount) -> store::Result<i64> {
    let change = TenantChange::SaveAccount(account);
    Ok(store.apply(&of(NOON, tenant, change))?.id().unwrap())
}

fn phone(n: usize) -> SaveAccount {
    SaveAccount {
        id: None,
        user: format!("{n}"),
        label: String::new(),
        secrets: Some(AccountSecrets { secret: Secret::new("12345678"), ha1: Secret::new("0") }),
        calls_max: 4,
        disabled: false,
    }
}

#[test]
fn one_phone_more_is_refused_until_one_is_removed_whosever_they_are() {
    let (mut store, mine, _) = office(0);
    let other = tenant(&mut store, "other");
    let mut first = None;
    for n in 0..ACCOUNTS_MAX {
        let whose = if n % 2 == 0 { mine } else { other };
        let id = save(&mut store, whose, phone(n)).unwrap();
        first.get_or_insert(id);
    }
    let full = Err(Error::Full { what: "phones", max: ACCOUNTS_MAX });
    assert_eq!(save(&mut store, other, phone(ACCOUNTS_MAX)), full);
    let id = first.map(call::AccountId);
    save(&mut store, mine, SaveAccount { id, secrets: None, disabled: true, ..phone(0) }).unwrap();
    assert!(save(&mut store, other, phone(ACCOUNTS_MAX)).is_ok());
}

#[test]
fn one_trunk_more_is_refused_until_one_is_removed() {
    let (mut store, _, _) = office(0);
    let trunk = |id, n: usize, disabled| SaveTrunk {
        id,
        name: format!("trunk {n}"),
        settings: serde_json::json!({}),
        secret: None,
        disabled,
    };
    let mut save = |trunk| {
        let change = BoxChange::SaveTrunk(trunk);
        Ok(store.apply(&of_box(NOON, change))?.id().unwrap())
    };
    let there: Vec<i64> = (0..).map_while(|n| save(trunk(None, n, false)).ok()).collect();
    assert!(!there.is_empty() && there.len() <= TRUNKS_MAX);
    let full: store::Result<i64> = Err(Error::Full { what: "trunks", max: TRUNKS_MAX });
    assert_eq!(save(trunk(None, TRUNKS_MAX, false)), full);
    save(trunk(Some(call::TrunkId(there[0])), 0, true)).unwrap();
    assert!(save(trunk(None, TRUNKS_MAX, false)).is_ok());
}
