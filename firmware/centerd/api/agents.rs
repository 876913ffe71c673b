//! Agents: their rows, what they are doing now, and what they or their leader ask of the seat.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{AccountId, AgentId, AttemptId, PersonId, Stamp};
use dialer::agent::{Pause, Reach, State as AgentState};
use dialer::outcome::Language;
use serde::{Deserialize, Serialize};
use store::agents::{Agent as Row, SaveAgent};
use store::persons::{Role, SavePerson};
use store::{TenantChange, View};
use utoipa::ToSchema;

use super::errors::Problem;
use super::limits::NOTE_CHARS_MAX;
use super::rights::Who;
use super::take::{self, DONE, Id, Listed, Maybe, Sent};
use super::{Front, auth, id_of};
use crate::center::request::Request;
use crate::center::view::{AttemptView, Changed, View as Live};
use crate::config::Config;

/// An agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Agent {
    /// Its id.
    pub id: i64,
    /// The number that is keyed at the phone.
    pub number: String,
    /// How people call them.
    pub name: String,
    /// The phone where they sit.
    pub phone_id: Option<i64>,
    /// The console user.
    pub person_id: Option<i64>,
    /// The language that the phone speaks to them: `zh` or `en`.
    pub language: &'static str,
    /// `nailed_up` (the phone stays off hook for the shift) or `ring` (it rings for every call).
    pub seat: &'static str,
    /// `signed_out`, `ready`, `reserved`, `ringing`, `talking`, `holding`, `wrap_up` or `paused`.
    pub state: &'static str,
    /// Since when.
    pub state_since: Option<i64>,
    /// Of a pause: why, a word.
    pub pause_reason: Option<&'static str>,
    /// Whether the phone is registered.
    pub phone_registered: bool,
    /// Whether the seat's leg is up.
    pub leg_up: bool,
    /// The campaigns they work in.
    pub campaign_ids: Vec<i64>,
    /// The talk, in talk, hold and wrap-up.
    pub call: Option<AgentCall>,
    /// They sit at a simulated phone.
    pub simulated: bool,
}

/// What an agent talks about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AgentCall {
    /// The attempt.
    pub attempt_id: i64,
    /// Of which campaign.
    pub campaign_id: i64,
    /// Of which lead.
    pub lead_id: i64,
    /// The number.
    pub number: String,
    /// The person's name.
    pub name: String,
    /// The other columns of the list.
    #[schema(value_type = Object)]
    pub fields: serde_json::Value,
    /// Since when they were joined, or since when the state is.
    pub since: i64,
}

/// An agent to add, or what of them is to change. What is left out of a change stays.
#[derive(Default, Deserialize, ToSchema)]
pub struct AgentForm {
    /// 1 to 8 digits; needed for a new one.
    pub number: Option<String>,
    /// How people call them; needed for a new one.
    pub name: Option<String>,
    /// 4 to 8 digits; needed for a new one.
    pub pin: Option<String>,
    /// The phone where they sit; 0: none.
    pub phone_id: Option<i64>,
    /// The console user whom they are; 0: none.
    pub person_id: Option<i64>,
    /// `zh` or `en`.
    pub language: Option<String>,
    /// `nailed_up` or `ring`.
    pub seat: Option<String>,
    /// Of a new one: makes their console user too.
    pub login: Option<AgentLogin>,
}

/// The console user of a new agent.
#[derive(Deserialize, ToSchema)]
pub struct AgentLogin {
    /// What is typed to sign in.
    pub name: String,
    /// The first password; it must be changed at the first sign-in.
    pub password: String,
}

/// Why an agent pauses.
#[derive(Default, Deserialize, ToSchema)]
pub struct PauseForm {
    /// `break`, `meal`, `training`, `meeting`, `other`; left out: none given.
    pub reason: Option<String>,
}

/// What came of a talk.
#[derive(Deserialize, ToSchema)]
pub struct DispositionForm {
    /// Of which attempt.
    pub attempt_id: i64,
    /// The `code` of one of the campaign's dispositions.
    pub code: String,
    /// A free note.
    #[serde(default)]
    pub note: String,
    /// When to call back: needed where the disposition's category is `callback`.
    pub call_back_at: Option<i64>,
}

/// Whether the customer hears music.
#[derive(Deserialize, ToSchema)]
pub struct HoldForm {
    /// Hold, or talk again.
    pub on: bool,
}

/// The reasons that an agent can give, by their codes.
const PAUSES: [(&str, u8); 5] =
    [("break", 1), ("meal", 2), ("training", 3), ("meeting", 4), ("other", 9)];

fn pause_code(word: Option<&str>) -> Result<u8, Problem> {
    let Some(word) = word.map(str::trim).filter(|word| !word.is_empty()) else { return Ok(0) };
    let known = PAUSES.iter().find(|(name, _)| *name == word).map(|(_, code)| *code);
    let words: Vec<&str> = PAUSES.iter().map(|(name, _)| *name).collect();
    known.ok_or_else(|| Problem::field("reason", format!("write one of {}", words.join(", "))))
}

fn pause_word(pause: Pause) -> &'static str {
    let Pause::Asked(code) = pause else { return pause.word() };
    PAUSES.iter().find(|(_, known)| *known == code).map_or("asked", |(name, _)| name)
}

/// The word of a language.
#[must_use]
pub const fn language_word(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh",
        Language::En => "en",
    }
}

const fn seat_word(reach: Reach) -> &'static str {
    match reach {
        Reach::NailedUp => "nailed_up",
        Reach::PerCall => "ring",
    }
}

/// The campaigns of every agent of the tenant.
///
/// # Errors
/// What the store says.
pub fn memberships(rows: View<'_>) -> store::Result<BTreeMap<AgentId, Vec<i64>>> {
    let mut of: BTreeMap<AgentId, Vec<i64>> = BTreeMap::new();
    for campaign in rows.campaigns()? {
        for agent in &campaign.settings.agents {
            of.entry(*agent).or_default().push(campaign.id.0);
        }
    }
    Ok(of)
}

/// An agent as they are shown.
///
/// # Errors
/// What the store says.
pub fn shown(
    rows: View<'_>,
    row: &Row,
    campaigns: &BTreeMap<AgentId, Vec<i64>>,
    live: &Live,
    config: &Config,
) -> store::Result<Agent> {
    let now = live.agents.get(&row.id);
    let state = now.map_or(AgentState::SignedOut, |agent| agent.state);
    let account = row.account.map(|id| rows.account(id)).transpose()?;
    let pause =
        if let AgentState::Paused { reason } = state { Some(pause_word(reason)) } else { None };
    let call = now.and_then(|agent| Some((agent.attempt.as_ref()?, agent.since)));
    let call = call.map(|(talk, since)| talk_of(rows, talk, since)).transpose()?;
    Ok(Agent {
        id: row.id.0,
        number: row.number.clone(),
        name: row.name.clone(),
        phone_id: row.account.map(|id| id.0),
        person_id: row.person.map(|id| id.0),
        language: language_word(row.language),
        seat: seat_word(row.seat),
        state: state.word(),
        state_since: now.map(|agent| agent.since.0).filter(|at| *at > 0),
        pause_reason: pause,
        phone_registered: now.is_some_and(|agent| agent.registered),
        leg_up: now.is_some_and(|agent| agent.leg.is_some()),
        campaign_ids: campaigns.get(&row.id).cloned().unwrap_or_default(),
        call,
        simulated: account.is_some_and(|account| config.is_simulated_phone(&account.user)),
    })
}

fn talk_of(rows: View<'_>, talk: &AttemptView, since: Stamp) -> store::Result<AgentCall> {
    let lead = rows.lead(talk.lead)?;
    // An attempt that is not written yet has no join to show.
    let joined = rows.attempt(talk.attempt).ok().and_then(|row| row.attempt.times.joined);
    Ok(AgentCall {
        attempt_id: talk.attempt.0,
        campaign_id: talk.campaign.0,
        lead_id: talk.lead.0,
        number: talk.number.clone(),
        name: lead.name,
        fields: lead.fields,
        since: joined.unwrap_or(since).0,
    })
}

/// All agents.
#[utoipa::path(
    get, path = "/api/v1/agents", tag = "agents", responses((status = 200, body = Listed<Agent>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Agent>>, Problem> {
    let (live, config, asker) = (front.live(), front.config.clone(), who.clone());
    let agents = front
        .read(&who, move |rows| {
            let campaigns = memberships(rows)?;
            let there = rows.agents()?.into_iter().filter(|row| !row.disabled);
            there
                .map(|row| {
                    let agent = shown(rows, &row, &campaigns, &live, &config)?;
                    Ok(without_strangers(&asker, agent))
                })
                .collect()
        })
        .await?;
    Ok(Listed::whole(agents))
}

/// Whom somebody else talks with is not shown to an agent.
#[must_use]
pub fn without_strangers(who: &Who, agent: Agent) -> Agent {
    if who.may_see_row_of(Some(AgentId(agent.id))) { agent } else { Agent { call: None, ..agent } }
}

/// One agent.
#[utoipa::path(
    get, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = i64, Path)),
    responses((status = 200, body = Agent))
)]
pub async fn one(State(front): State<Front>, who: Who, Id(id): Id) -> Result<Json<Agent>, Problem> {
    found(&front, &who, id).await?;
    Ok(Json(show(&front, &who, AgentId(id)).await?))
}

async fn show(front: &Front, who: &Who, id: AgentId) -> Result<Agent, Problem> {
    let (live, config) = (front.live(), front.config.clone());
    let read =
        move |rows: View<'_>| shown(rows, &rows.agent(id)?, &memberships(rows)?, &live, &config);
    Ok(without_strangers(who, front.read(who, read).await?))
}

async fn found(front: &Front, who: &Who, id: i64) -> Result<Row, Problem> {
    let row = front.read(who, move |rows| rows.agent(AgentId(id))).await?;
    if row.disabled { Err(Problem::NotFound { what: "agent", id }) } else { Ok(row) }
}

/// Adds an agent. One that was removed and had this number comes back.
#[utoipa::path(
    post, path = "/api/v1/agents", tag = "agents", request_body = AgentForm,
    responses((status = 201, body = Agent))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<AgentForm>,
) -> Result<(StatusCode, Json<Agent>), Problem> {
    let wanted = |field| Problem::field(field, "is needed for a new agent");
    let number = sent.number.clone().ok_or_else(|| wanted("number"))?;
    if sent.name.is_none() {
        return Err(wanted("name"));
    }
    if sent.pin.is_none() {
        return Err(wanted("pin"));
    }
    let rows = front.read(&who, |rows| rows.agents()).await?;
    let removed = rows.into_iter().find(|row| row.disabled && row.number == number);
    let language = if front.config.about.language == "en" { Language::En } else { Language::Zh };
    let mut save = SaveAgent {
        id: removed.map(|row| row.id),
        number,
        name: String::new(),
        pin_hash: None,
        person: None,
        account: None,
        language,
        seat: Reach::NailedUp,
        disabled: false,
    };
    let login = fill(&front, &mut save, sent).await?;
    let person = match login {
        Some(login) => Some(person_of(&front, &save.name, login).await?),
        None => None,
    };
    let agent = save_and_show(&front, &who, save, person).await?;
    Ok((StatusCode::CREATED, Json(agent)))
}

async fn person_of(front: &Front, name: &str, login: AgentLogin) -> Result<SavePerson, Problem> {
    auth::check_password(&login.password)?;
    Ok(SavePerson {
        id: None,
        login: take::name("login", &login.name)?,
        name: name.to_owned(),
        role: Role::Agent,
        password_hash: Some(front.proofs.hash(login.password).await?),
        must_change: true,
        disabled: false,
    })
}

/// Changes an agent.
#[utoipa::path(
    put, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = i64, Path)),
    request_body = AgentForm, responses((status = 200, body = Agent))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<AgentForm>,
) -> Result<Json<Agent>, Problem> {
    let mut save = as_is(found(&front, &who, id).await?);
    let person = match fill(&front, &mut save, sent).await? {
        Some(_) if save.person.is_some() => {
            return Err(Problem::Conflict("the agent has a console user already".into()));
        }
        Some(login) => Some(person_of(&front, &save.name, login).await?),
        None => None,
    };
    Ok(Json(save_and_show(&front, &who, save, person).await?))
}

/// Removes an agent: signs them out, and their console user can sign in no more. Records stay.
#[utoipa::path(
    delete, path = "/api/v1/agents/{id}", tag = "agents", params(("id" = i64, Path)),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let row = found(&front, &who, id).await?;
    // Whoever is not at work is signed out already.
    let _ = front.ask(&who, Request::SignOut { agent: row.id }).await;
    if let Some(person) = row.person {
        let person = front.read(&who, move |rows| rows.person(person)).await?;
        if person.role == Role::Agent {
            let save = super::persons::as_is(person, true);
            front.write(&who, TenantChange::SavePerson(save)).await?;
        }
    }
    let save = SaveAgent { person: None, account: None, disabled: true, ..as_is(row) };
    front.write(&who, TenantChange::SaveAgent(save)).await?;
    front.reload(&who, [Changed::Agent(AgentId(id))]).await?;
    Ok(DONE)
}

fn as_is(row: Row) -> SaveAgent {
    SaveAgent {
        id: Some(row.id),
        number: row.number,
        name: row.name,
        pin_hash: None,
        person: row.person,
        account: row.account,
        language: row.language,
        seat: row.seat,
        disabled: row.disabled,
    }
}

async fn save_and_show(
    front: &Front,
    who: &Who,
    save: SaveAgent,
    person: Option<SavePerson>,
) -> Result<Agent, Problem> {
    let change = match person {
        Some(person) => TenantChange::SaveAgentWithPerson(save, person),
        None => TenantChange::SaveAgent(save),
    };
    let id = AgentId(id_of(&front.write(who, change).await?)?);
    front.reload(who, [Changed::Agent(id)]).await?;
    show(front, who, id).await
}

/// Puts what was sent over what is there; gives back the console user to make.
async fn fill(
    front: &Front,
    save: &mut SaveAgent,
    sent: AgentForm,
) -> Result<Option<AgentLogin>, Problem> {
    if let Some(number) = sent.number {
        digits("number", &number, 1, 8)?;
        save.number = number;
    }
    if let Some(name) = sent.name {
        save.name = take::name("name", &name)?;
    }
    if let Some(pin) = sent.pin {
        digits("pin", &pin, 4, 8)?;
        save.pin_hash = Some(front.proofs.hash(pin).await?);
    }
    if let Some(phone) = sent.phone_id {
        save.account = (phone != 0).then_some(AccountId(phone));
    }
    if let Some(person) = sent.person_id {
        save.person = (person != 0).then_some(PersonId(person));
    }
    if let Some(language) = sent.language {
        save.language = match language.as_str() {
            "zh" => Language::Zh,
            "en" => Language::En,
            _ => return Err(Problem::field("language", "write zh or en")),
        };
    }
    if let Some(seat) = sent.seat {
        save.seat = match seat.as_str() {
            "nailed_up" => Reach::NailedUp,
            "ring" => Reach::PerCall,
            _ => return Err(Problem::field("seat", "write nailed_up or ring")),
        };
    }
    Ok(sent.login)
}

fn digits(field: &'static str, text: &str, least: usize, most: usize) -> Result<(), Problem> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits {
        Ok(())
    } else {
        Err(Problem::field(field, format!("write {least} to {most} digits")))
    }
}

/// Asks something for a seat that the asker may act on and that is of the asker's tenant.
async fn seat(front: &Front, who: &Who, id: i64) -> Result<AgentId, Problem> {
    who.check_seat(AgentId(id))?;
    Ok(found(front, who, id).await?.id)
}

/// Asks it, and leaves in the chain who it was that ordered something at another's seat.
pub(super) async fn order(
    front: &Front,
    who: &Who,
    agent: AgentId,
    order: &'static str,
    request: Request,
) -> Result<Json<Agent>, Problem> {
    front.ask(who, request).await?;
    if who.agent != Some(agent) {
        front.write(who, TenantChange::NoteOrder { agent, order }).await?;
    }
    Ok(Json(show(front, who, agent).await?))
}

/// Signs an agent in: the phone is called to be nailed up, where the seat is so.
#[utoipa::path(
    post, path = "/api/v1/agents/{id}/sign_in", tag = "seats", params(("id" = i64, Path)),
    responses((status = 200, body = Agent))
)]
pub async fn sign_in(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Agent>, Problem> {
    let agent = seat(&front, &who, id).await?;
    order(&front, &who, agent, "sign_in", Request::SignIn { agent }).await
}

/// Signs an agent out. A running talk is finished first.
#[utoipa::path(
    post, path = "/api/v1/agents/{id}/sign_out", tag = "seats", params(("id" = i64, Path)),
    responses((status = 200, body = Agent))
)]
pub async fn sign_out(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Agent>, Problem> {
    let agent = seat(&front, &who, id).await?;
    order(&front, &who, agent, "sign_out", Request::SignOut { agent }).await
}

/// An agent wants calls.
#[utoipa::path(
    post, path = "/api/v1/agents/{id}/ready", tag = "seats", params(("id" = i64, Path)),
    responses((status = 200, body = Agent))
)]
pub async fn ready(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Agent>, Problem> {
    let agent = seat(&front, &who, id).await?;
    order(&front, &who, agent, "ready", Request::Ready { agent }).await
}

/// An agent wants no calls. A running talk is finished first.
#[utoipa::path(
    post, path = "/api/v1/agents/{id}/pause", tag = "seats", params(("id" = i64, Path)),
    request_body = PauseForm, responses((status = 200, body = Agent))
)]
pub async fn pause(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Maybe(sent): Maybe<PauseForm>,
) -> Result<Json<Agent>, Problem> {
    let agent = seat(&front, &who, id).await?;
    let reason = pause_code(sent.reason.as_deref())?;
    let ordered = who.agent != Some(agent);
    order(&front, &who, agent, "pause", Request::Pause { agent, reason, ordered }).await
}

/// What came of the talk; the wrap-up ends.
#[utoipa::path(
    post, path = "/api/v1/agents/{id}/disposition", tag = "seats", params(("id" = i64, Path)),
    request_body = DispositionForm, responses((status = 200, body = Agent))
)]
pub async fn disposition(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<DispositionForm>,
) -> Result<Json<Agent>, Problem> {
    let agent = seat(&front, &who, id).await?;
    let wrong = || Problem::field("code", "write the code of one of the campaign's dispositions");
    let digit: u8 = sent.code.trim().parse().map_err(|_| wrong())?;
    if sent.note.chars().count() > NOTE_CHARS_MAX {
        return Err(Problem::field("note", format!("write at most {NOTE_CHARS_MAX} characters")));
    }
    let request = Request::Dispose {
        agent,
        attempt: AttemptId(sent.attempt_id),
        digit,
        note: sent.note,
        call_back_at: sent.call_back_at.map(Stamp),
    };
    front.ask(&who, request).await?;
    Ok(Json(show(&front, &who, agent).await?))
}

/// Ends the call with the customer.
#[utoipa::path(
    post, path = "/api/v1/agents/{id}/hang_up", tag = "seats", params(("id" = i64, Path)),
    responses((status = 200, body = Agent))
)]
pub async fn hang_up(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Agent>, Problem> {
    let agent = seat(&front, &who, id).await?;
    order(&front, &who, agent, "hang_up", Request::HangUp { agent }).await
}

/// Lets the customer hear music, or talk again.
#[utoipa::path(
    post, path = "/api/v1/agents/{id}/hold", tag = "seats", params(("id" = i64, Path)),
    request_body = HoldForm, responses((status = 200, body = Agent))
)]
pub async fn hold(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<HoldForm>,
) -> Result<Json<Agent>, Problem> {
    let agent = seat(&front, &who, id).await?;
    let word = if sent.on { "hold" } else { "unhold" };
    order(&front, &who, agent, word, Request::Hold { agent, on: sent.on }).await
}

/// Names of agents, for lists that only hold ids.
///
/// # Errors
/// What the store says.
pub fn names(rows: View<'_>) -> store::Result<BTreeMap<AgentId, String>> {
    Ok(rows.agents()?.into_iter().map(|row| (row.id, row.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_pause_comes_back_as_its_word() {
        for (word, code) in PAUSES {
            assert_eq!(pause_code(Some(word)).unwrap(), code);
            assert_eq!(pause_word(Pause::Asked(code)), word);
        }
        assert_eq!(pause_code(None).unwrap(), 0);
        assert_eq!(pause_word(Pause::Asked(0)), "asked");
        assert!(pause_code(Some("lunch")).is_err());
    }
}
