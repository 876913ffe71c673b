//! The first start: the tenant, the first administrator with a password that is shown once, and on
//! a demonstration model the people and lines of the simulated town.
//!
//! Each step looks first whether it was done, so that a first start that was cut off is finished by
//! the next. The administrator comes last: with them the box is set up. Until their password has been
//! shown ([`shown`]) the next start makes another and shows that.

use call::{AccountId, AgentId, CampaignId, SpanId, Stamp, TenantId, TrunkId};
use dialer::agent::Reach;
use dialer::campaign::{Settings, State as CampaignState};
use dialer::hours::Hours;
use dialer::lead::RetryRules;
use dialer::number::Plan;
use dialer::outcome::{DispositionSet, Language};
use link::ChannelGroup;
use std::collections::BTreeMap;
use store::accounts::{AccountSecrets, SaveAccount};
use store::agents::SaveAgent;
use store::batches::{ImportRow, Parsed};
use store::numbers::SaveNumbers;
use store::persons::{Role, SavePerson};
use store::trunks::SaveTrunk;
use store::{Actor, Applied, BatchId, BoxChange, Job, Secret, Store, TenantChange};

use crate::config::{Config, ModelSpan, TownPhone, TownSpan, TownTrunk};
use crate::load::{self, SpanSettings, TrunkKind, TrunkSettings};
use crate::number_range::{self, RangeError};
use crate::secrets::{self, NoSecret, Proofs};

/// The name that the first administrator signs in with.
pub const ADMIN: &str = "admin";
/// The name of the first tenant.
pub const OFFICE: &str = "Office";
/// The box's setting that stands while nobody can have read the first password.
const UNSEEN: &str = "first_password.unseen";
/// People in the list of the demonstration.
pub const DEMO_LEADS: u32 = 200;

/// The first start could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum FirstRunError {
    /// The disk.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// No random bytes.
    #[error("{0}")]
    Secret(#[from] NoSecret),
    /// The numbers of a span of the town.
    #[error("town.span.numbers: {0}")]
    Numbers(RangeError),
    /// A mistake of ours.
    #[error("the first start contradicts itself ({0}): report this to the makers")]
    Bug(String),
}

/// Sets the box up, if it has no persons yet. Gives back the first administrator's password, to be
/// shown once, and [`shown`] told.
///
/// # Errors
/// [`FirstRunError`].
pub fn set_up(
    store: &mut Store,
    config: &Config,
    proofs: &Proofs,
    now: Stamp,
) -> Result<Option<String>, FirstRunError> {
    let unseen = store.whole().setting(UNSEEN)?.is_some();
    let admin = store.whole().person_by_login(ADMIN)?.filter(|_| unseen);
    if let Some(admin) = admin {
        let password = secrets::readable_password()?;
        let (person, hash) = (admin.id, proofs.hash_now(&password)?);
        let change = TenantChange::SetPassword { person, hash, must_change: true };
        store.apply(&Job::of_tenant(now, Actor::Box, admin.tenant, change))?;
        return Ok(Some(password));
    }
    if store.whole().has_persons()? {
        return Ok(None);
    }
    let mut setting = SetUp { store, config, proofs, now, tenant: TenantId(0) };
    setting.tenant = setting.tenant()?;
    if config.town.simulated {
        setting.town()?;
    }
    let password = secrets::readable_password()?;
    let (key, value) = (UNSEEN.to_owned(), serde_json::Value::Bool(true));
    setting.apply_box(BoxChange::SetSetting { key, value })?;
    setting.write(TenantChange::SavePerson(SavePerson {
        id: None,
        login: ADMIN.into(),
        name: ADMIN.into(),
        role: Role::Operator,
        password_hash: Some(proofs.hash_now(&password)?),
        must_change: true,
        disabled: false,
    }))?;
    Ok(Some(password))
}

/// The first password has been shown: it stays.
///
/// # Errors
/// The disk.
pub fn shown(store: &mut Store, now: Stamp) -> Result<(), FirstRunError> {
    let (key, value) = (UNSEEN.to_owned(), serde_json::Value::Null);
    store.apply(&Job::of_box(now, Actor::Box, BoxChange::SetSetting { key, value }))?;
    Ok(())
}

struct SetUp<'a> {
    store: &'a mut Store,
    config: &'a Config,
    proofs: &'a Proofs,
    now: Stamp,
    tenant: TenantId,
}

impl SetUp<'_> {
    fn tenant(&mut self) -> Result<TenantId, FirstRunError> {
        let known = self.store.whole().tenants()?.into_iter().find(|row| row.name == OFFICE);
        match known {
            Some(row) => Ok(row.id),
            None => self.write_box(BoxChange::AddTenant { name: OFFICE.into() }).map(TenantId),
        }
    }

    fn town(&mut self) -> Result<(), FirstRunError> {
        let mut trunks = Vec::new();
        for trunk in &self.config.town.trunk {
            trunks.push(self.trunk(trunk)?);
        }
        let mut spans = Vec::new();
        for span in &self.config.town.span {
            spans.extend(self.span(span)?);
        }
        // The demo campaign dials over the E1 as long as it has a free channel.
        trunks.splice(0..0, spans);
        let mut agents = Vec::new();
        for phone in &self.config.town.phone {
            agents.push(self.agent(phone)?);
        }
        if trunks.is_empty() || agents.is_empty() {
            return Ok(());
        }
        let campaign = self.campaign(trunks, agents)?;
        self.leads(campaign)?;
        let state = CampaignState::Running;
        self.write(TenantChange::SetCampaignState { campaign, state })?;
        Ok(())
    }

    fn trunk(&mut self, town: &TownTrunk) -> Result<TrunkId, FirstRunError> {
        let known = self.store.whole().trunks()?.into_iter().find(|row| row.name == town.name);
        let numbers: Vec<String> =
            Some(town.caller_id.clone()).filter(|n| !n.is_empty()).into_iter().collect();
        let settings = TrunkSettings {
            address: std::net::SocketAddr::new(town.host, town.port).to_string(),
            sources: Vec::new(),
            register: town.register,
            user: town.username.clone(),
            numbers: numbers.clone(),
            channels_max: 30,
            simulated: true,
            ..TrunkSettings::default()
        };
        let (calls_max, caller_id) = (u32::from(settings.channels_max), numbers.first().cloned());
        let settings =
            serde_json::to_value(&settings).map_err(|e| FirstRunError::Bug(e.to_string()))?;
        let save = SaveTrunk {
            id: known.map(|row| row.id),
            name: town.name.clone(),
            settings,
            secret: Some(Secret::new(&town.secret)),
            disabled: false,
        };
        let trunk = TrunkId(self.write_box(BoxChange::SaveTrunk(save))?);
        let tenant = self.tenant;
        self.apply_box(BoxChange::GrantTrunk { trunk, tenant, calls_max, caller_id })?;
        Ok(trunk)
    }

    /// The span that the town's exchange is plugged into, with a trunk of all its channels that owns
    /// the exchange's numbers.
    fn span(&mut self, town: &TownSpan) -> Result<Option<TrunkId>, FirstRunError> {
        let plugged = |span: &&(i64, &ModelSpan)| span.1.attach.as_ref() == Some(&town.attach);
        let Some((place, span)) = (1..).zip(&self.config.span).find(|s| plugged(&s)) else {
            return Ok(None);
        };
        let id = SpanId(place);
        let bug = |e: serde_json::Error| FirstRunError::Bug(e.to_string());
        let name = if span.name.is_empty() { format!("span{place}") } else { span.name.clone() };
        let settings = serde_json::to_value(SpanSettings::default()).map_err(bug)?;
        self.write_box(BoxChange::SaveSpan(store::spans::Span {
            id,
            name: name.clone(),
            settings,
        }))?;
        let slots = span.channels.as_deref().and_then(link::span::slots);
        let slots = slots.unwrap_or_else(link::span::all_slots);
        let channels_max = u16::try_from(slots.len()).unwrap_or(30);
        let settings = TrunkSettings {
            kind: TrunkKind::Channels,
            groups: vec![ChannelGroup { span: id, slots }],
            channels_max,
            simulated: true,
            ..TrunkSettings::default()
        };
        let name = format!("town-{name}");
        let known = self.store.whole().trunks()?.into_iter().find(|row| row.name == name);
        let save = SaveTrunk {
            id: known.map(|row| row.id),
            name,
            settings: serde_json::to_value(&settings).map_err(bug)?,
            secret: None,
            disabled: false,
        };
        let trunk = TrunkId(self.write_box(BoxChange::SaveTrunk(save))?);
        let mut numbers = Vec::new();
        for range in town.numbers.iter() {
            let range = number_range::read(range).map_err(FirstRunError::Numbers)?;
            numbers.extend(range);
        }
        let caller_id = numbers.first().cloned();
        self.apply_box(BoxChange::SaveNumbers(SaveNumbers {
            trunk,
            numbers,
            tenant: Some(self.tenant),
            route: serde_json::json!({ "to": "announcement" }),
            note: String::new(),
        }))?;
        let (tenant, calls_max) = (self.tenant, u32::from(channels_max));
        self.apply_box(BoxChange::GrantTrunk { trunk, tenant, calls_max, caller_id })?;
        Ok(Some(trunk))
    }

    fn agent(&mut self, town: &TownPhone) -> Result<AgentId, FirstRunError> {
        let rows = self.store.tenant(self.tenant);
        let account = rows.accounts()?.into_iter().find(|row| row.user == town.account);
        let agent = rows.agent_by_number(&town.agent)?;
        let ha1 = secrets::ha1(&town.account, &self.config.sip.realm, &town.secret);
        let account = self.write(TenantChange::SaveAccount(SaveAccount {
            id: account.map(|row| row.id),
            user: town.account.clone(),
            label: town.name.clone(),
            secrets: Some(AccountSecrets {
                secret: Secret::new(&town.secret),
                ha1: Secret::new(ha1),
            }),
            calls_max: 4,
            disabled: false,
        }))?;
        let agent = self.write(TenantChange::SaveAgent(SaveAgent {
            id: agent.map(|row| row.id),
            number: town.agent.clone(),
            name: town.name.clone(),
            pin_hash: Some(self.proofs.hash_now(&town.pin)?),
            person: None,
            account: Some(AccountId(account)),
            language: self.language(),
            seat: Reach::NailedUp,
            disabled: false,
        }))?;
        Ok(AgentId(agent))
    }

    fn language(&self) -> Language {
        if self.config.about.language == "en" { Language::En } else { Language::Zh }
    }

    /// Open at any hour, and tried again after the shortest interval: it is there to be watched.
    fn campaign(
        &mut self,
        trunks: Vec<TrunkId>,
        agents: Vec<AgentId>,
    ) -> Result<CampaignId, FirstRunError> {
        let settings = Settings {
            hours: Hours::always(&self.config.about.timezone),
            retry: RetryRules {
                attempts_max: 3,
                interval_ms: dialer::limits::INTERVAL_MIN_MS,
                by_outcome: BTreeMap::new(),
            },
            trunks,
            agents,
            wrap_up_ms: 15_000,
            ..Settings::new("Demo", DispositionSet::built_in(self.language()))
        };
        settings.check().map_err(|wrong| FirstRunError::Bug(format!("{wrong:?}")))?;
        let rows = self.store.tenant(self.tenant).campaigns()?;
        let known = rows.into_iter().find(|row| row.settings.name == settings.name);
        let campaign = known.map(|row| row.id);
        let settings = Box::new(settings);
        self.write(TenantChange::SaveCampaign { campaign, settings }).map(CampaignId)
    }

    fn leads(&mut self, campaign: CampaignId) -> Result<(), FirstRunError> {
        let Some(range) = self.config.town.subscriber.first() else { return Ok(()) };
        let rows = demo_rows(&range.numbers, &load::plan(self.config), self.language());
        let file_name = "demo.csv".to_owned();
        let batch = BatchId(self.write(TenantChange::OpenBatch { campaign, file_name })?);
        self.apply(TenantChange::ImportRows { batch, rows })?;
        self.apply(TenantChange::CloseBatch(batch))?;
        Ok(())
    }

    fn write(&mut self, change: TenantChange) -> Result<i64, FirstRunError> {
        let applied = self.apply(change)?;
        Ok(applied.id().unwrap_or_default())
    }

    fn write_box(&mut self, change: BoxChange) -> Result<i64, FirstRunError> {
        let applied = self.apply_box(change)?;
        applied.id().ok_or_else(|| FirstRunError::Bug(format!("{applied:?} has no id")))
    }

    fn apply(&mut self, change: TenantChange) -> Result<Applied, FirstRunError> {
        let job = Job::of_tenant(self.now, Actor::Box, self.tenant, change);
        Ok(self.store.apply(&job)?)
    }

    fn apply_box(&mut self, change: BoxChange) -> Result<Applied, FirstRunError> {
        Ok(self.store.apply(&Job::of_box(self.now, Actor::Box, change))?)
    }
}

/// People with numbers behind `prefix`, as far as the country's plan knows such numbers.
#[must_use]
pub fn demo_rows(prefix: &str, plan: &Plan, language: Language) -> Vec<ImportRow> {
    let numbers = (0..DEMO_LEADS).filter_map(|n| {
        // Spread over the range, so that the list does not look like a count.
        let spread = n.wrapping_mul(4_801) % 10_000;
        (4..=7).find_map(|width| plan.read(&format!("{prefix}{spread:0width$}")).ok())
    });
    (1u32..)
        .zip(numbers)
        .map(|(row, normal)| {
            let name = demo_name(row, language);
            let number = normal.number;
            ImportRow {
                row,
                raw: format!("{name},{number}"),
                parsed: Parsed::Lead {
                    number_raw: number.as_str().to_owned(),
                    number,
                    name,
                    fields: "{}".to_owned(),
                    repaired: None,
                },
            }
        })
        .collect()
}

fn demo_name(row: u32, language: Language) -> String {
    const ZH: ([&str; 10], [&str; 10]) = (
        ["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周", "吴"],
        ["伟", "芳", "娜", "敏", "静", "磊", "洋", "勇", "艳", "杰"],
    );
    const EN: ([&str; 10], [&str; 10]) = (
        ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jon"],
        ["Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine"],
    );
    let at = row as usize;
    let pick = |list: &[&'static str; 10], at: usize| list.get(at % 10).copied().unwrap_or("");
    match language {
        Language::Zh => format!("{}{}", pick(&ZH.0, at), pick(&ZH.1, at / 10)),
        Language::En => format!("{} {}", pick(&EN.0, at), pick(&EN.1, at / 10)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Cost;
    use std::collections::BTreeSet;
    use store::BoxKey;

    const NOW: Stamp = Stamp(1_795_158_000_000);

    fn store() -> Store {
        Store::in_memory(BoxKey::from_bytes([7; 32]), "box-1", NOW).unwrap()
    }

    fn demo() -> Config {
        let text = include_str!("../../board/models/demo.toml");
        Config::parse("demo.toml", text, &[]).unwrap()
    }

    #[test]
    fn the_first_start_makes_one_administrator_and_the_second_nothing() {
        let (mut store, proofs) = (store(), Proofs::new(Cost::LEAST).unwrap());
        let config = Config::default();
        let password = set_up(&mut store, &config, &proofs, NOW).unwrap().unwrap();
        let admin = store.whole().person_by_login(ADMIN).unwrap().unwrap();
        assert!(admin.must_change && admin.role == Role::Operator);
        assert!(!admin.password_hash.contains(&password));
        // The process died before anybody could read it: the next start shows another.
        let again = set_up(&mut store, &config, &proofs, NOW).unwrap().unwrap();
        let other = store.whole().person_by_login(ADMIN).unwrap().unwrap();
        assert!(again != password && other.password_hash != admin.password_hash);
        assert!(other.must_change && other.id == admin.id);
        shown(&mut store, NOW).unwrap();
        assert_eq!(set_up(&mut store, &config, &proofs, NOW).unwrap(), None);
        assert!(store.tenant(admin.tenant).campaigns().unwrap().is_empty());
    }

    #[test]
    fn a_demonstration_dials_at_any_hour_and_a_cut_first_start_is_finished() {
        let (mut store, proofs, config) = (store(), Proofs::new(Cost::LEAST).unwrap(), demo());
        let mut cut = SetUp {
            store: &mut store,
            config: &config,
            proofs: &proofs,
            now: NOW,
            tenant: TenantId(0),
        };
        cut.tenant = cut.tenant().unwrap();
        cut.town().unwrap();
        assert!(set_up(&mut store, &config, &proofs, NOW).unwrap().is_some());
        let rows = store.tenant(TenantId(1));
        let campaigns = rows.campaigns().unwrap();
        assert_eq!(campaigns.len(), 1);
        assert_eq!(campaigns[0].state, CampaignState::Running);
        let calendar = campaigns[0].settings.check().unwrap();
        assert!((0..48).all(|half| calendar.is_open(NOW.after_ms(half * 1_800_000))));
        let leads = rows.lead_counts(campaigns[0].id).unwrap();
        assert_eq!(leads.iter().map(|count| count.leads).sum::<u64>(), u64::from(DEMO_LEADS));
        assert_eq!((rows.agents().unwrap().len(), rows.accounts().unwrap().len()), (3, 3));
        let office = load::office(store.whole(), &config).unwrap();
        let trunk = office.trunks.values().next().unwrap();
        assert_eq!(trunk.trunk.sip().unwrap().address, "127.0.0.1:5070");
        assert_eq!(trunk.grants[&TenantId(1)].caller_id.as_deref(), Some("+861062000000"));
    }

    #[test]
    fn the_people_of_the_demonstration_live_in_the_range_of_the_town() {
        let rows = demo_rows("+861380000", &Plan::default(), Language::Zh);
        let numbers: BTreeSet<String> = rows
            .iter()
            .map(|row| match &row.parsed {
                Parsed::Lead { number, .. } => number.as_str().to_owned(),
                Parsed::Twin { of, .. } => panic!("twice: {of}"),
                Parsed::Refused { why, .. } => panic!("{why:?}"),
            })
            .collect();
        assert_eq!(numbers.len(), DEMO_LEADS as usize);
        assert!(numbers.iter().all(|n| n.starts_with("+861380000") && n.len() == 14));
    }
}
