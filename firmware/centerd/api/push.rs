//! What changed, made into whole objects once and given to all who look. Things that change often
//! are made at most every [`PUSH_MS`]; a page that is too slow is told that it has lost something,
//! and loads afresh.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use call::{AgentId, AttemptId, CampaignId, TenantId};
use serde::Serialize;
use serde_json::{Value, json};
use store::{BoxView, Error};
use tokio::sync::broadcast;

use super::alarms::Alarm;
use super::limits::{PUSH_MS, PUSH_PAUSE_TIMES};
use super::rights::{Right, Who};
use super::{
    Front, agents, alarms, attempts, calls, campaigns, health, phones, span_picture, trunks,
};
use crate::center::view::{Changed, View as Live};
use crate::limits::PUSHES_MAX;

/// One push: its text, and who may read it.
#[derive(Clone, Debug)]
pub struct Push {
    /// Whose; `None`: everybody's.
    pub tenant: Option<TenantId>,
    /// The right that the list of such things asks for.
    pub right: Right,
    /// The agent to whom the row belongs, where an agent sees only their own.
    pub owner: Owner,
    /// The JSON.
    pub text: Arc<str>,
}

/// To whom a row belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// To nobody: everyone with the right sees it.
    Nobody,
    /// To these agents.
    Agents(Vec<AgentId>),
}

impl Push {
    /// Whether this asker may read it.
    #[must_use]
    pub fn is_for(&self, who: &Who) -> bool {
        let theirs = self.tenant.is_none_or(|tenant| tenant == who.tenant);
        let own = match &self.owner {
            Owner::Nobody => true,
            Owner::Agents(agents) => who.only_own().is_none_or(|own| agents.contains(&own)),
        };
        theirs && own && who.may(self.right)
    }
}

/// Pushes on their way to pages: each page has room for [`PUSHES_MAX`].
#[derive(Debug)]
pub struct Stream(broadcast::Sender<Push>);

impl Default for Stream {
    fn default() -> Stream {
        Stream(broadcast::channel(PUSHES_MAX).0)
    }
}

impl Stream {
    /// A page's end of it.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Push> {
        self.0.subscribe()
    }
}

/// Makes pushes for as long as the daemon runs.
pub async fn run(front: Front) {
    let mut up: BTreeMap<String, Alarm> = BTreeMap::new();
    loop {
        let mut changed = front.line.changes.take().await;
        if front.stream.0.receiver_count() == 0 {
            // Nobody looks; whoever comes loads the lists first.
            up.clear();
            tokio::time::sleep(Duration::from_millis(PUSH_MS)).await;
            continue;
        }
        if changed.remove(&Changed::Health) {
            let health = health::now(&front).await;
            put(&front, &push(None, Right::See, Owner::Nobody, "health", &health));
            put_alarms(&front, &mut up).await;
        }
        let began = Instant::now();
        let live = front.live();
        let made = front.read_box({
            let (front, live) = (front.clone(), Arc::clone(&live));
            move |view| Ok(all(view, &live, &front, &changed))
        });
        match made.await {
            Ok(pushes) => pushes.iter().for_each(|push| put(&front, push)),
            Err(error) => tracing::warn!(%error, "changes cannot be shown"),
        }
        // Counting a list of a million takes long: then it is counted seldom, and calls come first.
        let pause = began.elapsed().saturating_mul(PUSH_PAUSE_TIMES);
        tokio::time::sleep(pause.max(Duration::from_millis(PUSH_MS))).await;
    }
}

fn put(front: &Front, push: &Push) {
    // The last page may have gone meanwhile.
    let _ = front.stream.0.send(push.clone());
}

/// Alarms that are up, and once more those that are up no longer.
async fn put_alarms(front: &Front, up: &mut BTreeMap<String, Alarm>) {
    let Ok(kept) = front.read_box(|view| view.alarms_up()).await else { return };
    let of_tenant: BTreeMap<String, Option<TenantId>> =
        kept.iter().map(|alarm| (alarm.kind.clone(), alarm.tenant)).collect();
    let now: BTreeMap<String, Alarm> =
        alarms::all(&front.live(), &kept).into_iter().map(|a| (a.id.clone(), a)).collect();
    let over = up.values().filter(|alarm| !now.contains_key(&alarm.id));
    let over = over.map(|alarm| Alarm { up: false, ..alarm.clone() });
    let news = now.values().filter(|alarm| up.get(&alarm.id) != Some(alarm)).cloned();
    for alarm in news.chain(over) {
        let tenant = of_tenant.get(&alarm.kind).copied().flatten();
        put(front, &push(tenant, Right::SeeAlarms, Owner::Nobody, "alarm", &alarm));
    }
    *up = now;
}

fn all(view: BoxView<'_>, live: &Live, front: &Front, changed: &BTreeSet<Changed>) -> Vec<Push> {
    let mut wanted = changed.clone();
    let mut pushes = Vec::new();
    // Every attempt moves its campaign's progress, which is pushed once for all of them.
    let attempts: Vec<AttemptId> = changed
        .iter()
        .filter_map(|one| if let Changed::Attempt(id) = one { Some(*id) } else { None })
        .collect();
    for id in attempts {
        wanted.remove(&Changed::Attempt(id));
        if let Some((campaign, push)) = note(of_attempt(view, id)) {
            wanted.insert(Changed::Campaign(campaign));
            pushes.push(push);
        }
    }
    pushes.extend(wanted.iter().filter_map(|one| note(of(view, live, front, one))).flatten());
    pushes
}

/// What cannot be read is left out: the page has the last whole object still.
fn note<T>(made: store::Result<Option<T>>) -> Option<T> {
    made.unwrap_or_else(|error| {
        tracing::warn!(%error, "a change cannot be shown");
        None
    })
}

fn of(
    view: BoxView<'_>,
    live: &Live,
    front: &Front,
    changed: &Changed,
) -> store::Result<Option<Vec<Push>>> {
    Ok(match *changed {
        Changed::Agent(id) => each_tenant(view, |rows| {
            let row = rows.agent(id)?;
            let campaigns = agents::memberships(rows)?;
            let agent = agents::shown(rows, &row, &campaigns, live, &front.config)?;
            let gone = row.disabled;
            // Whom somebody talks with is for them and for who sees all.
            let hidden = agents::Agent { call: None, ..agent.clone() };
            let tenant = Some(rows.tenant());
            let full = removable("agent", &agent, gone);
            let bare = removable("agent", &hidden, gone);
            Ok(vec![
                of_text(tenant, Right::SeeAgents, Owner::Nobody, bare),
                of_text(tenant, Right::SeeAgents, Owner::Agents(vec![id]), full),
            ])
        })?,
        Changed::Phone(id) => each_tenant(view, |rows| {
            let row = rows.account(id)?;
            let phone = removable("phone", &phones::shown(&row, live, &front.config), row.disabled);
            Ok(vec![of_text(Some(rows.tenant()), Right::SeePhones, Owner::Nobody, phone)])
        })?,
        Changed::Trunk(id) => {
            let row = view.trunk(id)?;
            let text = removable("trunk", &trunks::shown(&row, live), row.disabled);
            let granted = view.trunk_grants_of(id)?.into_iter().map(|grant| {
                let tenant = Some(grant.tenant);
                of_text(tenant, Right::SeeTrunks, Owner::Nobody, text.clone())
            });
            Some(granted.collect())
        }
        Changed::Campaign(id) => each_tenant(view, |rows| {
            let row = rows.campaign(id)?;
            let simulated = campaigns::is_simulated(&row, &campaigns::simulated_trunks(view)?);
            let campaign = campaigns::shown(rows, &row, simulated, live)?;
            let owner = Owner::Agents(row.settings.agents.clone());
            let tenant = Some(rows.tenant());
            Ok(vec![push(tenant, Right::SeeCampaigns, owner, "campaign", &campaign)])
        })?,
        Changed::Call(leg) => calls::of_leg(view, live, leg)?.map(|(tenant, call)| {
            let owner = Owner::Agents(call.agent_id.map(AgentId).into_iter().collect());
            vec![push(Some(tenant), Right::SeeRecords, owner, "call", &call)]
        }),
        Changed::Attempt(id) => of_attempt(view, id)?.map(|(_, push)| vec![push]),
        Changed::Span(id) => {
            let tenants = view.tenants()?.into_iter();
            // A channel says whose call it carries to those alone whose it is.
            let each = tenants.map(|tenant| {
                let tenant = tenant.id;
                let span = span_picture::one_of(view, live, &front.config, tenant, id)?;
                Ok(span
                    .map(|span| push(Some(tenant), Right::SeeSpans, Owner::Nobody, "span", &span)))
            });
            Some(each.collect::<store::Result<Vec<_>>>()?.into_iter().flatten().collect())
        }
        Changed::Health => None,
    })
}

fn of_attempt(view: BoxView<'_>, id: AttemptId) -> store::Result<Option<(CampaignId, Push)>> {
    each_tenant(view, |rows| {
        let record = rows.attempt(id)?;
        let attempt = attempts::shown(rows, &record)?;
        let owner = Owner::Agents(record.attempt.agent.into_iter().collect());
        let tenant = Some(rows.tenant());
        let push = push(tenant, Right::SeeRecords, owner, "attempt", &attempt);
        Ok((record.attempt.campaign, push))
    })
}

/// What the first tenant says who has the row.
fn each_tenant<T>(
    view: BoxView<'_>,
    read: impl Fn(store::View<'_>) -> store::Result<T>,
) -> store::Result<Option<T>> {
    for tenant in view.tenants()? {
        match read(view.tenant(tenant.id)) {
            Err(Error::NotFound { .. }) => {}
            answer => return answer.map(Some),
        }
    }
    Ok(None)
}

fn push(
    tenant: Option<TenantId>,
    right: Right,
    owner: Owner,
    topic: &str,
    object: &impl Serialize,
) -> Push {
    of_text(tenant, right, owner, removable(topic, object, false))
}

fn of_text(tenant: Option<TenantId>, right: Right, owner: Owner, text: Arc<str>) -> Push {
    Push { tenant, right, owner, text }
}

/// `{"topic":"phone","phone":{...}}`, with `"removed":true` where the row is gone.
fn removable(topic: &str, object: &impl Serialize, removed: bool) -> Arc<str> {
    let object = serde_json::to_value(object).unwrap_or(Value::Null);
    let text = if removed {
        json!({ "topic": topic, topic: object, "removed": true })
    } else {
        json!({ "topic": topic, topic: object })
    };
    text.to_string().into()
}
