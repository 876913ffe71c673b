//! The rows that the running office works from: loaded whole at the start and after each change.
//! An office has tens of agents and campaigns, so whole is simpler than clever. Leads are not here.

use std::collections::BTreeMap;

use call::{AccountId, AgentId, CampaignId, Number, TenantId, TrunkId};
use dialer::campaign::Campaign;
use dialer::number::Plan;
use dialer::route::Destinations;
use link::{DesiredState, Fallback, Prompt};
use store::agents::Agent;
use store::numbers::OwnNumber;

/// Agents, phones, trunks and campaigns of every tenant.
#[derive(Clone, Debug, Default)]
pub struct Office {
    /// The version of the desired state that these rows are.
    pub desired_version: u64,
    /// The digest realm.
    pub realm: String,
    /// The box's first language, `zh` or `en`.
    pub language: String,
    /// Agents that are not disabled.
    pub agents: BTreeMap<AgentId, Agent>,
    /// Phone accounts that are not disabled.
    pub phones: BTreeMap<AccountId, Phone>,
    /// Trunks that are not disabled.
    pub trunks: BTreeMap<TrunkId, Trunk>,
    /// E1 spans that are configured.
    pub spans: Vec<link::Span>,
    /// The numbers that trunks own, beside those in their settings, by number.
    pub numbers: BTreeMap<String, OwnNumber>,
    /// Campaigns; a finished one may be started again.
    pub campaigns: BTreeMap<CampaignId, Campaign>,
    /// What each tenant may dial beyond the ordinary numbers of the country.
    pub destinations: BTreeMap<TenantId, Destinations>,
    /// How numbers are read where the box stands.
    pub plan: Plan,
}

/// A phone account.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Whose.
    pub tenant: TenantId,
    /// For the switch.
    pub account: link::Account,
}

/// A trunk.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// For the switch.
    pub trunk: link::Trunk,
    /// Which tenants may dial on it: calls at once and the number shown.
    pub grants: BTreeMap<TenantId, Grant>,
}

/// A tenant's right to dial on a trunk.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Calls at once.
    pub calls_max: u32,
    /// The number shown, where the campaign names none.
    pub caller_id: Option<String>,
}

impl Office {
    /// The numbers that a tenant may show on a trunk: those of the trunk's own settings, which go
    /// with its grant, and those of its ranges that are granted to the tenant.
    pub fn numbers_to_show(&self, tenant: TenantId, trunk: &Trunk) -> Vec<Number> {
        let of_tenant = |number: &&String| {
            let own = self.numbers.get(*number);
            own.is_none_or(|own| own.tenant == Some(tenant) && own.trunk == trunk.trunk.id)
        };
        let numbers = trunk.trunk.numbers.iter().filter(of_tenant);
        numbers.filter_map(|number| number.parse().ok()).collect()
    }

    /// The document that switchd serves phones and trunks by.
    #[must_use]
    pub fn desired(&self) -> DesiredState {
        DesiredState {
            version: self.desired_version,
            realm: self.realm.clone(),
            accounts: self.phones.values().map(|phone| phone.account.clone()).collect(),
            trunks: self.trunks.values().map(|trunk| trunk.trunk.clone()).collect(),
            spans: self.spans.clone(),
            fallback: Fallback {
                prompt: Some(Prompt::new(&self.language, "not_available")),
                ..Fallback::default()
            },
        }
    }
}
