//! Console users of the tenant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::PersonId;
use serde::{Deserialize, Serialize};
use store::TenantChange;
use store::persons::{Person as Row, Role, SavePerson};
use utoipa::ToSchema;

use super::errors::Problem;
use super::rights::{Right, Who};
use super::take::{self, DONE, Id, Listed, Sent};
use super::{Front, auth, id_of};

/// A console user.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// Its id.
    pub id: i64,
    /// What is typed to sign in.
    pub login: String,
    /// How people call them.
    pub name: String,
    /// `operator`, `administrator`, `leader`, `quality` or `agent`.
    pub role: &'static str,
    /// The password must be changed at the next sign-in.
    pub must_change_password: bool,
    /// No sign-in before this.
    pub locked_until: Option<i64>,
    /// The agent whom they are.
    pub agent_id: Option<i64>,
}

/// A console user to add, or what of them is to change. What is left out of a change stays.
#[derive(Default, Deserialize, ToSchema)]
pub struct PersonForm {
    /// What is typed to sign in; unique on the box. Needed for a new one.
    pub login: Option<String>,
    /// How people call them; the login when left out.
    pub name: Option<String>,
    /// `operator`, `administrator`, `leader`, `quality` or `agent`. Needed for a new one.
    pub role: Option<String>,
    /// A first or new password, 10 to 200 characters; it must be changed at the next sign-in.
    pub password: Option<String>,
}

/// The word of a role.
#[must_use]
pub const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Administrator => "administrator",
        Role::Leader => "leader",
        Role::Quality => "quality",
        Role::Agent => "agent",
    }
}

const ROLES: [Role; 5] =
    [Role::Operator, Role::Administrator, Role::Leader, Role::Quality, Role::Agent];

/// A role that the asker may give: an operator is made by an operator alone.
fn role_of(who: &Who, word: &str) -> Result<Role, Problem> {
    let role = ROLES.into_iter().find(|role| role_word(*role) == word).ok_or_else(|| {
        Problem::field("role", "write operator, administrator, leader, quality or agent")
    })?;
    if role == Role::Operator && !who.may(Right::EditTrunks) {
        return Err(Problem::NotAllowed);
    }
    Ok(role)
}

fn shown(row: &Row, agent: Option<i64>) -> Person {
    Person {
        id: row.id.0,
        login: row.login.clone(),
        name: row.name.clone(),
        role: role_word(row.role),
        must_change_password: row.must_change,
        locked_until: row.locked_until.map(|at| at.0),
        agent_id: agent,
    }
}

/// All console users.
#[utoipa::path(
    get, path = "/api/v1/persons", tag = "persons", responses((status = 200, body = Listed<Person>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Person>>, Problem> {
    let rows = front.read(&who, |rows| Ok((rows.persons()?, rows.agents()?))).await?;
    let (persons, agents) = rows;
    let agent_of = |id| agents.iter().find(|agent| agent.person == Some(id)).map(|a| a.id.0);
    let there = persons.iter().filter(|row| !row.disabled);
    Ok(Listed::whole(there.map(|row| shown(row, agent_of(row.id))).collect()))
}

/// Adds a console user.
#[utoipa::path(
    post, path = "/api/v1/persons", tag = "persons", request_body = PersonForm,
    responses((status = 201, body = Person))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<PersonForm>,
) -> Result<(StatusCode, Json<Person>), Problem> {
    let wanted = |field| Problem::field(field, "is needed for a new person");
    let login = take::name("login", &sent.login.ok_or_else(|| wanted("login"))?)?;
    let role = role_of(&who, &sent.role.ok_or_else(|| wanted("role"))?)?;
    let password = sent.password.ok_or_else(|| wanted("password"))?;
    auth::check_password(&password)?;
    let name = take::name("name", sent.name.as_deref().unwrap_or(&login))?;
    let removed = front.read(&who, |rows| rows.persons()).await?;
    let removed = removed.into_iter().find(|row| row.disabled && row.login == login);
    let save = SavePerson {
        id: removed.map(|row| row.id),
        login,
        name,
        role,
        password_hash: Some(front.proofs.hash(password).await?),
        must_change: true,
        disabled: false,
    };
    let id = PersonId(id_of(&front.write(&who, TenantChange::SavePerson(save)).await?)?);
    let row = front.read(&who, move |rows| rows.person(id)).await?;
    Ok((StatusCode::CREATED, Json(shown(&row, None))))
}

/// Changes a console user. A new password ends their sessions.
#[utoipa::path(
    put, path = "/api/v1/persons/{id}", tag = "persons", params(("id" = i64, Path)),
    request_body = PersonForm, responses((status = 200, body = Person))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<PersonForm>,
) -> Result<Json<Person>, Problem> {
    let row = found(&front, &who, id).await?;
    let mut save = as_is(row, false);
    if let Some(login) = sent.login {
        save.login = take::name("login", &login)?;
    }
    if let Some(name) = sent.name {
        save.name = take::name("name", &name)?;
    }
    if let Some(role) = sent.role {
        let role = role_of(&who, &role)?;
        if who.person == Some(PersonId(id)) && role != save.role {
            return Err(Problem::Conflict("nobody changes their own role".into()));
        }
        save.role = role;
    }
    let hash = match sent.password {
        Some(password) => {
            auth::check_password(&password)?;
            Some(front.proofs.hash(password).await?)
        }
        None => None,
    };
    front.write(&who, TenantChange::SavePerson(save)).await?;
    let person = PersonId(id);
    if let Some(hash) = hash {
        front.write(&who, TenantChange::SetPassword { person, hash, must_change: true }).await?;
    }
    let (row, agent) = front
        .read(&who, move |rows| Ok((rows.person(person)?, rows.agent_of_person(person)?)))
        .await?;
    Ok(Json(shown(&row, agent.map(|agent| agent.id.0))))
}

/// Removes a console user: they can sign in no more, and their sessions end.
#[utoipa::path(
    delete, path = "/api/v1/persons/{id}", tag = "persons", params(("id" = i64, Path)),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    if who.person == Some(PersonId(id)) {
        return Err(Problem::Conflict("nobody removes themselves".into()));
    }
    let save = as_is(found(&front, &who, id).await?, true);
    front.write(&who, TenantChange::SavePerson(save)).await?;
    Ok(DONE)
}

async fn found(front: &Front, who: &Who, id: i64) -> Result<Row, Problem> {
    let row = front.read(who, move |rows| rows.person(PersonId(id))).await?;
    if row.disabled {
        return Err(Problem::NotFound { what: "person", id });
    }
    if row.role == Role::Operator && !who.may(Right::EditTrunks) {
        return Err(Problem::NotAllowed);
    }
    Ok(row)
}

/// A person as they are, but for whether they may sign in.
#[must_use]
pub fn as_is(row: Row, disabled: bool) -> SavePerson {
    SavePerson {
        id: Some(row.id),
        login: row.login,
        name: row.name,
        role: row.role,
        password_hash: None,
        must_change: row.must_change,
        disabled,
    }
}
