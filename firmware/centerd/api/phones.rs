//! Phone accounts, and whether somebody is registered with them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::AccountId;
use link::Line;
use serde::{Deserialize, Serialize};
use store::accounts::{Account, AccountSecrets, SaveAccount};
use store::{Secret, TenantChange};
use utoipa::ToSchema;

use super::errors::Problem;
use super::rights::Who;
use super::take::{self, DONE, Id, Listed, Sent};
use super::{Front, id_of};
use crate::center::view::{Changed, View as Live};
use crate::config::Config;
use crate::secrets;

/// A phone account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Phone {
    /// Its id.
    pub id: i64,
    /// The SIP user, and the extension that others dial.
    pub user: String,
    /// Where the phone stands, for people.
    pub label: String,
    /// Whether a phone is registered.
    pub registered: bool,
    /// The places where it can be reached.
    pub contacts: Vec<PhoneContact>,
    /// Whether it carries a call or a seat.
    pub in_use: bool,
    /// It belongs to the simulated town.
    pub simulated: bool,
    /// The password: only in the answer that makes or changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A place where a phone can be reached.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PhoneContact {
    /// The address that its packets come from.
    pub address: String,
    /// What it says it is.
    pub agent: String,
}

/// A phone account to add.
#[derive(Deserialize, ToSchema)]
pub struct NewPhone {
    /// The SIP user: 2 to 32 letters, digits, dots, dashes. It never changes.
    pub user: String,
    /// Where the phone stands.
    #[serde(default)]
    pub label: String,
    /// The password, 8 to 128 characters; left out: generated, and shown in the answer.
    pub secret: Option<String>,
}

/// A change of a phone account. What is left out stays.
#[derive(Deserialize, ToSchema)]
pub struct PhoneChange {
    /// Where the phone stands.
    pub label: Option<String>,
    /// A new password.
    pub secret: Option<String>,
}

/// A phone as it is shown.
#[must_use]
pub fn shown(row: &Account, live: &Live, config: &Config) -> Phone {
    let contacts = live.phones.get(&row.id).cloned().unwrap_or_default();
    let carries = |line: Line| line == Line::Account(row.id);
    Phone {
        id: row.id.0,
        user: row.user.clone(),
        label: row.label.clone(),
        registered: !contacts.is_empty(),
        contacts: contacts
            .into_iter()
            .map(|c| PhoneContact { address: c.address, agent: c.agent })
            .collect(),
        in_use: live.calls.values().any(|call| carries(call.record.line)),
        simulated: config.is_simulated_phone(&row.user),
        secret: None,
    }
}

/// All phone accounts.
#[utoipa::path(
    get, path = "/api/v1/phones", tag = "phones", responses((status = 200, body = Listed<Phone>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Phone>>, Problem> {
    let rows = front.read(&who, |rows| rows.accounts()).await?;
    let live = front.live();
    let there = rows.iter().filter(|row| !row.disabled);
    Ok(Listed::whole(there.map(|row| shown(row, &live, &front.config)).collect()))
}

/// One phone account.
#[utoipa::path(
    get, path = "/api/v1/phones/{id}", tag = "phones", params(("id" = i64, Path)),
    responses((status = 200, body = Phone))
)]
pub async fn one(State(front): State<Front>, who: Who, Id(id): Id) -> Result<Json<Phone>, Problem> {
    let row = found(&front, &who, id).await?;
    Ok(Json(shown(&row, &front.live(), &front.config)))
}

async fn found(front: &Front, who: &Who, id: i64) -> Result<Account, Problem> {
    let row = front.read(who, move |rows| rows.account(AccountId(id))).await?;
    if row.disabled { Err(Problem::NotFound { what: "phone", id }) } else { Ok(row) }
}

/// Adds a phone account. One that was removed comes back with a new password.
#[utoipa::path(
    post, path = "/api/v1/phones", tag = "phones", request_body = NewPhone,
    responses((status = 201, body = Phone))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<NewPhone>,
) -> Result<(StatusCode, Json<Phone>), Problem> {
    check_user(&sent.user)?;
    let user = sent.user.clone();
    let rows = front.read(&who, |rows| rows.accounts()).await?;
    let removed = rows.into_iter().find(|row| row.disabled && row.user == user);
    let secret = match sent.secret {
        Some(secret) => secret,
        None => secrets::machine_password()?,
    };
    let save = SaveAccount {
        id: removed.map(|row| row.id),
        user: sent.user.clone(),
        label: sent.label.trim().to_owned(),
        secrets: Some(secrets_of(&front, &sent.user, &secret)?),
        calls_max: 4,
        disabled: false,
    };
    let phone = save_and_show(&front, &who, save, Some(secret)).await?;
    Ok((StatusCode::CREATED, Json(phone)))
}

/// Changes a phone account.
#[utoipa::path(
    put, path = "/api/v1/phones/{id}", tag = "phones", params(("id" = i64, Path)),
    request_body = PhoneChange, responses((status = 200, body = Phone))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<PhoneChange>,
) -> Result<Json<Phone>, Problem> {
    let row = found(&front, &who, id).await?;
    let secrets = sent.secret.as_ref().map(|secret| secrets_of(&front, &row.user, secret));
    let save = SaveAccount {
        id: Some(row.id),
        user: row.user,
        label: sent.label.map_or(row.label, |label| label.trim().to_owned()),
        secrets: secrets.transpose()?,
        calls_max: row.calls_max,
        disabled: false,
    };
    Ok(Json(save_and_show(&front, &who, save, sent.secret).await?))
}

/// Removes a phone account: it can register no more. Records that name it stay.
#[utoipa::path(
    delete, path = "/api/v1/phones/{id}", tag = "phones", params(("id" = i64, Path)),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let row = found(&front, &who, id).await?;
    let save = SaveAccount {
        id: Some(row.id),
        user: row.user,
        label: row.label,
        secrets: None,
        calls_max: row.calls_max,
        disabled: true,
    };
    front.write(&who, TenantChange::SaveAccount(save)).await?;
    front.reload(&who, [Changed::Phone(AccountId(id))]).await?;
    Ok(DONE)
}

async fn save_and_show(
    front: &Front,
    who: &Who,
    save: SaveAccount,
    secret: Option<String>,
) -> Result<Phone, Problem> {
    if !save.label.is_empty() {
        take::name("label", &save.label)?;
    }
    let id = id_of(&front.write(who, TenantChange::SaveAccount(save)).await?)?;
    front.reload(who, [Changed::Phone(AccountId(id))]).await?;
    let row = front.read(who, move |rows| rows.account(AccountId(id))).await?;
    Ok(Phone { secret, ..shown(&row, &front.live(), &front.config) })
}

fn secrets_of(front: &Front, user: &str, secret: &str) -> Result<AccountSecrets, Problem> {
    let length = secret.chars().count();
    if !(8..=128).contains(&length) || secret.chars().any(char::is_control) {
        return Err(Problem::field("secret", "write 8 to 128 characters, or leave it out"));
    }
    let ha1 = secrets::ha1(user, &front.config.sip.realm, secret);
    Ok(AccountSecrets { secret: Secret::new(secret), ha1: Secret::new(ha1) })
}

fn check_user(user: &str) -> Result<(), Problem> {
    let fits = (2..=32).contains(&user.len());
    if fits && user.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) {
        return Ok(());
    }
    Err(Problem::field("user", "write 2 to 32 letters, digits, dots, dashes, such as 8001"))
}
