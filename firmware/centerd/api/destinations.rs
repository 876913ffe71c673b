//! What the tenant may dial beyond the ordinary numbers of the country. Denied by default.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use dialer::route::{Allowed, Destinations as Checked};
use serde::{Deserialize, Serialize};
use store::TenantChange;
use utoipa::ToSchema;

use super::Front;
use super::errors::Problem;
use super::rights::Who;
use super::take::Sent;
use crate::load::PREMIUM;

/// What may be dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Destinations {
    /// Premium numbers too, within the prefixes below. The home country's own premium numbers need
    /// its prefix in the list.
    pub premium: bool,
    /// Prefixes of numbers abroad, with the plus sign: `+44`, `+8621`.
    pub international: Vec<String>,
}

/// What may be dialled beyond the ordinary numbers of the country.
#[utoipa::path(
    get, path = "/api/v1/destinations", tag = "do not call",
    responses((status = 200, body = Destinations))
)]
pub async fn read(State(front): State<Front>, who: Who) -> Result<Json<Destinations>, Problem> {
    Ok(Json(now(&front, &who).await?))
}

async fn now(front: &Front, who: &Who) -> Result<Destinations, Problem> {
    front
        .read(who, |rows| {
            let listed = rows.destination_rules()?.into_iter().filter(|rule| rule.allow);
            let listed = listed.filter(|rule| !rule.prefix.is_empty());
            Ok(Destinations {
                premium: rows.setting(PREMIUM)? == Some(serde_json::Value::Bool(true)),
                international: listed.map(|rule| format!("+{}", rule.prefix)).collect(),
            })
        })
        .await
}

/// Says anew what may be dialled, as a whole.
#[utoipa::path(
    put, path = "/api/v1/destinations", tag = "do not call", request_body = Destinations,
    responses((status = 200, body = Destinations))
)]
pub async fn write(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<Destinations>,
) -> Result<Json<Destinations>, Problem> {
    let wanted: BTreeSet<String> =
        sent.international.iter().map(|text| text.trim().to_owned()).collect();
    let all: BTreeMap<String, Allowed> =
        wanted.iter().map(|prefix| (prefix.clone(), Allowed::Ordinary)).collect();
    Checked::new(all).map_err(|e| Problem::field("international", e.to_string()))?;
    if let Some(short) = wanted.iter().find(|prefix| !prefix.starts_with('+')) {
        return Err(Problem::field("international", format!("{short:?}: write + and digits")));
    }
    let rules = front.read(&who, |rows| rows.destination_rules()).await?;
    for rule in rules.iter().filter(|rule| !wanted.contains(&format!("+{}", rule.prefix))) {
        front.write(&who, TenantChange::RemoveRule(rule.id)).await?;
    }
    for prefix in wanted.iter().filter_map(|prefix| prefix.strip_prefix('+')) {
        if rules.iter().any(|rule| rule.prefix == prefix && rule.allow) {
            continue;
        }
        let (prefix, note) = (prefix.to_owned(), String::new());
        front.write(&who, TenantChange::SaveRule { prefix, allow: true, note }).await?;
    }
    let value = serde_json::Value::Bool(sent.premium);
    front.write(&who, TenantChange::SetSetting { key: PREMIUM.into(), value }).await?;
    front.reload(&who, []).await?;
    Ok(Json(now(&front, &who).await?))
}
