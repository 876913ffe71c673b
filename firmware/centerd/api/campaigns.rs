//! Campaigns: settings, progress, and why one is not dialling now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{CampaignId, Stamp};
use dialer::campaign::{Campaign as Row, Order, Settings};
use dialer::outcome::{DispositionSet, Language, Outcome};
use serde::Serialize;
use store::rollup::CampaignHour;
use store::{TenantChange, View};
use utoipa::ToSchema;

use super::campaign_form::{CampaignForm, DispositionForm, HoursForm, dispositions};
use super::errors::Problem;
use super::rights::Who;
use super::take::{DONE, Id, Listed, Sent};
use super::{Front, id_of};
use crate::center::request::Request;
use crate::center::view::{Changed, View as Live};
use crate::load::{TrunkNumbers, TrunkSettings};

/// A campaign.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Campaign {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `precise`.
    pub mode: &'static str,
    /// `draft`, `running`, `paused` or `finished`.
    pub state: &'static str,
    /// Since when.
    pub state_since: i64,
    /// The trunks it may use, in order of preference.
    pub trunk_ids: Vec<i64>,
    /// The first of the numbers shown; null: the trunk's own.
    pub caller_id: Option<String>,
    /// The numbers shown; none: the trunk's own.
    pub caller_ids: Vec<String>,
    /// How one of several is chosen: `in_turn` or `least_used`.
    pub caller_rule: &'static str,
    /// The agents who take its calls.
    pub agent_ids: Vec<i64>,
    /// How long it may ring.
    pub ring_timeout_ms: u64,
    /// How often a lead may be dialled.
    pub attempts_max: u16,
    /// Between two attempts.
    pub interval_ms: i64,
    /// The time for wrap-up; 0: none.
    pub wrap_up_ms: u64,
    /// Whether talks are recorded.
    pub record: bool,
    /// When it may dial.
    pub hours: HoursForm,
    /// What an agent can say after a call.
    pub dispositions: Vec<DispositionForm>,
    /// How far it is.
    pub progress: Progress,
    /// The rules that keep it from dialling now; empty while it dials.
    pub why_not: Vec<WhyNot>,
    /// One of its trunks leads into the simulated town.
    pub simulated: bool,
}

/// How far a campaign is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// Leads in all.
    pub leads: u64,
    /// Never tried.
    pub new: u64,
    /// To be tried (again) when their time comes.
    pub due_later: u64,
    /// Being dialled or talked with.
    pub dialing: u64,
    /// Over, for whatever reason.
    pub finished: u64,
    /// Over because an agent talked with them.
    pub reached: u64,
    /// Attempts that are over.
    pub attempts: u64,
    /// Of them: talked with an agent.
    pub answered: u64,
    /// Of them: rang out.
    pub no_answer: u64,
    /// Of them: busy, or refused.
    pub busy: u64,
    /// Of them: everything else that went wrong.
    pub failed: u64,
    /// Of them: answered, and no agent in time.
    pub abandoned: u64,
}

/// A rule that keeps a campaign from dialling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhyNot {
    /// The rule's word.
    pub rule: String,
    /// For a person.
    pub text: String,
    /// When it clears, where that is known.
    pub clears_at: Option<i64>,
}

/// How far a campaign is, by its leads and its attempts.
///
/// # Errors
/// What the store says.
pub fn progress(rows: View<'_>, id: CampaignId) -> store::Result<Progress> {
    let mut progress = Progress::default();
    for count in rows.lead_counts(id)? {
        progress.leads += count.leads;
        match count.state.as_str() {
            "new" => progress.new += count.leads,
            "due" => progress.due_later += count.leads,
            "claimed" | "dialing" => progress.dialing += count.leads,
            _ => progress.finished += count.leads,
        }
        // An agent has talked with everybody who bought, refused or asked not to be called again
        // by word of an agent; of the others only `reached` says so.
        if count.reason.as_deref().is_some_and(|r| ["reached", "sold", "refused"].contains(&r)) {
            progress.reached += count.leads;
        }
    }
    for hour in rows.campaign_hours(Some(id), Stamp(0), Stamp(i64::MAX))? {
        progress.count(&hour);
    }
    Ok(progress)
}

impl Progress {
    fn count(&mut self, hour: &CampaignHour) {
        self.attempts += hour.attempts;
        let slot = match hour.outcome {
            Outcome::Answered => &mut self.answered,
            Outcome::NoAnswer => &mut self.no_answer,
            Outcome::Busy | Outcome::Rejected => &mut self.busy,
            Outcome::Abandoned => &mut self.abandoned,
            Outcome::HungUpEarly
            | Outcome::Unreachable
            | Outcome::InvalidNumber
            | Outcome::Congestion
            | Outcome::Forbidden
            | Outcome::Machine
            | Outcome::Announcement
            | Outcome::Silence
            | Outcome::Failed
            | Outcome::Lost
            | Outcome::Cancelled => &mut self.failed,
        };
        *slot += hour.attempts;
    }
}

/// A campaign as it is shown.
///
/// # Errors
/// What the store says.
pub fn shown(rows: View<'_>, row: &Row, simulated: bool, live: &Live) -> store::Result<Campaign> {
    let settings = &row.settings;
    let now = live.campaigns.get(&row.id);
    let why_not = now.map(|campaign| campaign.why_not.clone()).unwrap_or_default();
    Ok(Campaign {
        id: row.id.0,
        name: settings.name.clone(),
        mode: settings.mode.word(),
        state: row.state.word(),
        state_since: row.since.0,
        trunk_ids: settings.trunks.iter().map(|trunk| trunk.0).collect(),
        caller_id: settings.callers.first().map(|number| number.as_str().to_owned()),
        caller_ids: settings.callers.iter().map(|number| number.as_str().to_owned()).collect(),
        caller_rule: settings.caller_rule.word(),
        agent_ids: settings.agents.iter().map(|agent| agent.0).collect(),
        ring_timeout_ms: settings.ring_ms,
        attempts_max: settings.retry.attempts_max,
        interval_ms: settings.retry.interval_ms,
        wrap_up_ms: settings.wrap_up_ms,
        record: settings.record,
        hours: HoursForm::of(&settings.hours),
        dispositions: dispositions(&settings.dispositions),
        progress: progress(rows, row.id)?,
        why_not: why_not
            .into_iter()
            .map(|why| WhyNot {
                rule: why.rule,
                text: why.text,
                clears_at: why.clears_at.map(|at| at.0),
            })
            .collect(),
        simulated,
    })
}

/// The trunks of the box that lead into the simulated town.
///
/// # Errors
/// What the store says.
pub fn simulated_trunks(view: store::BoxView<'_>) -> store::Result<Vec<call::TrunkId>> {
    let rows = view.trunks()?.into_iter();
    Ok(rows.filter(|row| TrunkSettings::of(row).simulated).map(|row| row.id).collect())
}

/// Whether a campaign dials into the simulated town.
#[must_use]
pub fn is_simulated(row: &Row, trunks: &[call::TrunkId]) -> bool {
    row.settings.trunks.iter().any(|trunk| trunks.contains(trunk))
}

/// All campaigns.
#[utoipa::path(
    get, path = "/api/v1/campaigns", tag = "campaigns",
    responses((status = 200, body = Listed<Campaign>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Campaign>>, Problem> {
    let (live, tenant, own) = (front.live(), who.tenant, who.only_own());
    let campaigns = front
        .read_box(move |view| {
            let (rows, trunks) = (view.tenant(tenant), simulated_trunks(view)?);
            let all = rows.campaigns()?.into_iter();
            let mine = all.filter(|row| own.is_none_or(|own| row.settings.agents.contains(&own)));
            mine.map(|row| shown(rows, &row, is_simulated(&row, &trunks), &live)).collect()
        })
        .await?;
    Ok(Listed::whole(campaigns))
}

/// One campaign.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}", tag = "campaigns", params(("id" = i64, Path)),
    responses((status = 200, body = Campaign))
)]
pub async fn one(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Campaign>, Problem> {
    let own = who.only_own();
    let row = front.read(&who, move |rows| rows.campaign(CampaignId(id))).await?;
    if own.is_some_and(|own| !row.settings.agents.contains(&own)) {
        return Err(Problem::NotFound { what: "campaign", id });
    }
    Ok(Json(show(&front, &who, CampaignId(id)).await?))
}

async fn show(front: &Front, who: &Who, id: CampaignId) -> Result<Campaign, Problem> {
    let (live, tenant) = (front.live(), who.tenant);
    front
        .read_box(move |view| {
            let (rows, trunks) = (view.tenant(tenant), simulated_trunks(view)?);
            let row = rows.campaign(id)?;
            shown(rows, &row, is_simulated(&row, &trunks), &live)
        })
        .await
}

/// Adds a campaign, in draft.
#[utoipa::path(
    post, path = "/api/v1/campaigns", tag = "campaigns", request_body = CampaignForm,
    responses((status = 201, body = Campaign))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<CampaignForm>,
) -> Result<(StatusCode, Json<Campaign>), Problem> {
    let name = sent.name.clone().ok_or_else(|| Problem::field("name", "write a name"))?;
    let language = language(&front);
    let listed = front.read(&who, |rows| rows.dispositions()).await?;
    let set = if listed.is_empty() {
        DispositionSet::built_in(language)
    } else {
        DispositionSet::new(listed)?
    };
    let mut settings = Settings::new(&name, set);
    settings.hours.zone.clone_from(&front.config.about.timezone);
    sent.fill(&mut settings, &front.plan, language)?;
    let id = save(&front, &who, None, settings).await?;
    Ok((StatusCode::CREATED, Json(show(&front, &who, id).await?)))
}

/// Changes a campaign. Calls in flight go on under the settings they began with.
#[utoipa::path(
    put, path = "/api/v1/campaigns/{id}", tag = "campaigns", params(("id" = i64, Path)),
    request_body = CampaignForm, responses((status = 200, body = Campaign))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<CampaignForm>,
) -> Result<Json<Campaign>, Problem> {
    let row = front.read(&who, move |rows| rows.campaign(CampaignId(id))).await?;
    let mut settings = row.settings;
    sent.fill(&mut settings, &front.plan, language(&front))?;
    let id = save(&front, &who, Some(row.id), settings).await?;
    Ok(Json(show(&front, &who, id).await?))
}

async fn save(
    front: &Front,
    who: &Who,
    campaign: Option<CampaignId>,
    settings: Settings,
) -> Result<CampaignId, Problem> {
    check_callers(front, who, &settings).await?;
    let change = TenantChange::SaveCampaign { campaign, settings: Box::new(settings) };
    let written = front.write(who, change).await.map_err(of_a_list)?;
    let id = CampaignId(id_of(&written)?);
    front.reload(who, [Changed::Campaign(id)]).await?;
    Ok(id)
}

/// An id in a list that names nobody is a wrong field of the campaign, not a missing campaign.
fn of_a_list(problem: Problem) -> Problem {
    let Problem::Store(store::Error::NotFound { what, .. }) = &problem else { return problem };
    let fields = [("agent", "agent_ids"), ("granted trunk", "trunk_ids")];
    let field = fields.into_iter().find(|(row, _)| row == what).map(|(_, field)| field);
    match field {
        Some(field) => Problem::field(field, format!("{problem}: choose from the list")),
        None => problem,
    }
}

/// Whatever is shown is a number that one of the campaign's trunks owns and that is granted to the
/// tenant; and a trunk that owns numbers has one for this tenant.
async fn check_callers(front: &Front, who: &Who, settings: &Settings) -> Result<(), Problem> {
    let (tenant, trunks) = (who.tenant, settings.trunks.clone());
    let trunks = front
        .read_box(move |view| {
            let owned = view.numbers()?;
            let rows = view.trunks()?.into_iter().filter(|row| trunks.contains(&row.id));
            let of = |row| (TrunkNumbers::of(&row, &owned, tenant), row.name);
            Ok(rows.map(of).collect::<Vec<_>>())
        })
        .await?;
    let granted = |number: &str| trunks.iter().any(|(of, _)| of.granted.contains(number));
    if let Some(wrong) = settings.callers.iter().find(|number| !granted(number.as_str())) {
        let names: Vec<&str> = trunks.iter().map(|(_, name)| name.as_str()).collect();
        let names = if names.is_empty() { "none chosen".to_owned() } else { names.join(", ") };
        let reason = format!(
            "{wrong} is not a number of the campaign's trunks ({names}) that is granted to you: \
             choose one from the page Numbers"
        );
        return Err(Problem::field("caller_ids", reason));
    }
    if let Some((_, name)) = trunks.iter().find(|(of, _)| of.granted.is_empty() && of.any) {
        let reason = format!(
            "trunk {name} has numbers, and none of them is granted to you: let the operator grant \
             one on the page Numbers, or choose another trunk"
        );
        return Err(Problem::field("trunk_ids", reason));
    }
    Ok(())
}

fn language(front: &Front) -> Language {
    if front.config.about.language == "en" { Language::En } else { Language::Zh }
}

/// Finishes a campaign for good. Its leads and records stay.
#[utoipa::path(
    delete, path = "/api/v1/campaigns/{id}", tag = "campaigns", params(("id" = i64, Path)),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    order(&front, &who, id, Order::Finish).await?;
    Ok(DONE)
}

/// Lets a campaign dial, as far as the rules allow.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/start", tag = "campaigns", params(("id" = i64, Path)),
    responses((status = 200, body = Campaign))
)]
pub async fn start(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Campaign>, Problem> {
    order(&front, &who, id, Order::Start).await?;
    Ok(Json(show(&front, &who, CampaignId(id)).await?))
}

/// Lets a campaign dial no more. Calls in flight go on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/pause", tag = "campaigns", params(("id" = i64, Path)),
    responses((status = 200, body = Campaign))
)]
pub async fn pause(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Campaign>, Problem> {
    order(&front, &who, id, Order::Pause).await?;
    Ok(Json(show(&front, &who, CampaignId(id)).await?))
}

/// The machine is asked here for its reasons, which name fields; the running office asks it again.
async fn order(front: &Front, who: &Who, id: i64, order: Order) -> Result<(), Problem> {
    let campaign = CampaignId(id);
    let mut row = front.read(who, move |rows| rows.campaign(campaign)).await?;
    let before = row.state;
    row.handle_order(front.now(), order)?;
    if order == Order::Start {
        // Numbers may have been taken away since the settings were written.
        check_callers(front, who, &row.settings).await?;
    }
    if row.state == before {
        return Ok(());
    }
    front.ask(who, Request::Campaign { campaign, order }).await?;
    front.reload(who, [Changed::Campaign(campaign)]).await
}
