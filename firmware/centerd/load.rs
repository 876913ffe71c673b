//! The rows that the running office works from, read from the store. The daemon and the simulated
//! world read them by the same functions.

use std::collections::{BTreeMap, BTreeSet};

use call::{CampaignId, Stamp, TenantId, TrunkId};
use dialer::campaign::Leads;
use dialer::number::Plan;
use dialer::route::{Allowed, Destinations};
use link::{ChannelGroup, Hunt, SipWay, SpanRole, Way};
use serde::{Deserialize, Serialize};
use store::numbers::OwnNumber;
use store::{BoxView, Result, View};
use utoipa::ToSchema;

use crate::center::office::{Grant, Office, Phone, Trunk};
use crate::config::Config;

/// The key of the tenant's setting that lets premium numbers through where a prefix is listed.
pub const PREMIUM: &str = "destinations.premium";

/// How a trunk is reached: the JSON beside its row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrunkSettings {
    /// `address:port` to which calls go.
    pub address: String,
    /// Further addresses from which it may call us.
    pub sources: Vec<String>,
    /// Whether the box registers there.
    pub register: bool,
    /// The user name.
    pub user: String,
    /// Numbers that it owns.
    pub numbers: Vec<String>,
    /// Calls at once.
    pub channels_max: u16,
    /// It leads into the simulated town.
    pub simulated: bool,
    /// What kind of line it is. What is said of SIP above means nothing to channels.
    pub kind: TrunkKind,
    /// Its channels, if it is made of such.
    pub groups: Vec<ChannelGroup>,
    /// Which free channel is taken.
    pub hunt: Hunt,
}

/// What kind of line a trunk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrunkKind {
    /// A SIP peer.
    #[default]
    Sip,
    /// Channels of E1 spans.
    Channels,
}

/// How a span is used: the JSON beside its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpanSettings {
    /// Our side of the D-channel.
    pub role: SpanRole,
    /// Numbers come and go digit by digit.
    pub overlap: bool,
    /// Digits of a called number that the exchange sends; 0: all.
    pub did_digits: u8,
    /// Time slots taken out of service.
    pub blocked: Vec<u8>,
}

impl Default for SpanSettings {
    fn default() -> SpanSettings {
        SpanSettings { role: SpanRole::User, overlap: false, did_digits: 0, blocked: Vec::new() }
    }
}

impl SpanSettings {
    /// The settings in a span's row.
    #[must_use]
    pub fn of(span: &store::spans::Span) -> SpanSettings {
        serde_json::from_value(span.settings.clone()).unwrap_or_default()
    }
}

impl TrunkSettings {
    /// The settings in a trunk's row. What an older program wrote is read as far as it fits.
    #[must_use]
    pub fn of(trunk: &store::trunks::Trunk) -> TrunkSettings {
        serde_json::from_value(trunk.settings.clone()).unwrap_or_default()
    }
}

/// The numbers of a trunk, as one tenant may use them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrunkNumbers {
    /// Those that the tenant may show.
    pub granted: BTreeSet<String>,
    /// Whether it has any, for whomever.
    pub any: bool,
}

impl TrunkNumbers {
    /// Those in the trunk's own settings, which go with its grant, and those of its ranges.
    #[must_use]
    pub fn of(trunk: &store::trunks::Trunk, owned: &[OwnNumber], tenant: TenantId) -> TrunkNumbers {
        let mut granted: BTreeSet<String> = TrunkSettings::of(trunk).numbers.into_iter().collect();
        let ranged = owned.iter().filter(|own| own.trunk == trunk.id);
        let any = !granted.is_empty() || ranged.clone().next().is_some();
        let mine = ranged.filter(|own| own.tenant == Some(tenant));
        granted.extend(mine.map(|own| own.number.clone()));
        TrunkNumbers { granted, any }
    }
}

/// All that the running office works from.
///
/// # Errors
/// When the database cannot be read or the box key is another one.
pub fn office(view: BoxView<'_>, config: &Config) -> Result<Office> {
    let mut office = Office {
        desired_version: view.desired_version()?,
        realm: config.sip.realm.clone(),
        language: config.about.language.clone(),
        trunks: trunks(view)?,
        spans: view.spans()?.iter().map(span).collect(),
        numbers: view.numbers()?.into_iter().map(|own| (own.number.clone(), own)).collect(),
        plan: plan(config),
        ..Office::default()
    };
    for tenant in view.tenants()?.into_iter().filter(|tenant| !tenant.disabled) {
        let rows = view.tenant(tenant.id);
        for account in rows.accounts()?.into_iter().filter(|account| !account.disabled) {
            let ha1 = rows.account_secrets(account.id)?.ha1.reveal().to_owned();
            let switch = link::Account { id: account.id, user: account.user, ha1 };
            office.phones.insert(account.id, Phone { tenant: tenant.id, account: switch });
        }
        let agents = rows.agents()?.into_iter().filter(|agent| !agent.disabled);
        office.agents.extend(agents.map(|agent| (agent.id, agent)));
        office.campaigns.extend(rows.campaigns()?.into_iter().map(|row| (row.id, row)));
        office.destinations.insert(tenant.id, destinations(rows)?);
    }
    Ok(office)
}

fn span(row: &store::spans::Span) -> link::Span {
    let SpanSettings { role, overlap, did_digits, blocked } = SpanSettings::of(row);
    link::Span { id: row.id, name: row.name.clone(), role, overlap, did_digits, blocked }
}

fn trunks(view: BoxView<'_>) -> Result<BTreeMap<TrunkId, Trunk>> {
    let mut found = BTreeMap::new();
    let owned = view.numbers()?;
    for row in view.trunks()?.into_iter().filter(|row| !row.disabled) {
        let settings = TrunkSettings::of(&row);
        let password = view.trunk_secret(row.id)?;
        let way = match settings.kind {
            TrunkKind::Sip => Way::Sip(SipWay {
                address: settings.address,
                sources: settings.sources,
                register: settings.register,
                user: settings.user,
                password: password.map(|p| p.reveal().to_owned()).unwrap_or_default(),
            }),
            TrunkKind::Channels => Way::Channels { groups: settings.groups, hunt: settings.hunt },
        };
        // Those in its own settings come first: the first is the default caller id.
        let mut numbers = settings.numbers;
        let of_trunk = owned.iter().filter(|own| own.trunk == row.id);
        numbers.extend(of_trunk.map(|own| own.number.clone()));
        numbers.dedup();
        let trunk = link::Trunk {
            id: row.id,
            name: row.name,
            way,
            numbers,
            channels_max: settings.channels_max,
        };
        let grants = view.trunk_grants_of(row.id)?.into_iter().map(|grant| {
            let calls = Grant { calls_max: grant.calls_max, caller_id: grant.caller_id };
            (grant.tenant, calls)
        });
        found.insert(row.id, Trunk { trunk, grants: grants.collect() });
    }
    Ok(found)
}

/// How numbers are read where the box stands. The country was checked when the settings were read.
#[must_use]
pub fn plan(config: &Config) -> Plan {
    Plan::new(&config.about.country, "9", "").unwrap_or_default()
}

/// What a tenant may dial beyond the ordinary numbers of the country.
///
/// # Errors
/// When the database cannot be read.
pub fn destinations(rows: View<'_>) -> Result<Destinations> {
    let premium = rows.setting(PREMIUM)? == Some(serde_json::Value::Bool(true));
    let allowed = if premium { Allowed::Premium } else { Allowed::Ordinary };
    let listed = rows.destination_rules()?.into_iter().filter(|rule| rule.allow);
    let listed = listed.filter(|rule| !rule.prefix.is_empty());
    let listed = listed.map(|rule| (format!("+{}", rule.prefix), allowed)).collect();
    // A list that breaks the rules of its own type allows nothing.
    Ok(Destinations::new(listed).unwrap_or_default())
}

/// How many leads of a campaign are due, as far as the decision to dial needs it: by the two
/// indexes of waiting leads alone, however long the list is. `due` is an upper bound then; a claim
/// that finds fewer says so.
///
/// # Errors
/// When the database cannot be read.
pub fn leads(rows: View<'_>, campaign: CampaignId, now: Stamp) -> Result<Leads> {
    let next = rows.next_due(campaign)?;
    if next.is_some_and(|at| at <= now) {
        let due = dialer::limits::CALLS_MAX;
        return Ok(Leads { due, next_due: Some(now), unfinished: u64::from(due) });
    }
    let in_flight = rows.attempts_in_flight()?;
    let in_flight = in_flight.iter().filter(|a| a.attempt.campaign == campaign).count() as u64;
    Ok(Leads { due: 0, next_due: next, unfinished: in_flight + u64::from(next.is_some()) })
}
