//! Trunks: they belong to the box. Whoever adds one grants it to their own tenant; for others see
//! `grants`.

use std::net::{IpAddr, SocketAddr};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{SpanId, TrunkId};
use link::span::{D_SLOT, all_slots};
use link::{ChannelGroup, Hunt, Line, TrunkState};
use serde::{Deserialize, Serialize};
use store::trunks::{SaveTrunk, Trunk as Row};
use store::{BoxChange, BoxView, Secret};
use utoipa::ToSchema;

use super::errors::Problem;
use super::limits::{TRUNK_NUMBERS_MAX, TRUNK_PASSWORD_CHARS_MAX, TRUNK_SOURCES_MAX};
use super::rights::{Right, Who};
use super::take::{self, DONE, Id, Listed, Sent};
use super::{Front, id_of};
use crate::center::view::{Changed, View as Live};
use crate::config::Config;
use crate::load::{TrunkKind, TrunkSettings};

/// A trunk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trunk {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `sip`: a SIP peer; `channels`: channels of E1 spans.
    pub kind: &'static str,
    /// Its channels, if it is made of such; in the order in which `ascending` tries them.
    pub groups: Vec<Group>,
    /// Which free channel a call takes: `ascending`, `descending` or `least_used`.
    pub hunt: &'static str,
    /// `address:port` to which calls go; empty on channels.
    pub address: String,
    /// Further addresses from which it may call us.
    pub sources: Vec<String>,
    /// Whether the box registers there.
    pub register: bool,
    /// The user name.
    pub user: String,
    /// Whether a password is kept for it.
    pub has_password: bool,
    /// Numbers that it owns; the first is shown unless a campaign says otherwise.
    pub numbers: Vec<String>,
    /// Calls at once.
    pub channels_max: u16,
    /// `trying`, `up` or `down`.
    pub state: &'static str,
    /// Why, for people.
    pub state_text: String,
    /// Whether it carries a call.
    pub in_use: bool,
    /// Calls that it carries now.
    pub calls: usize,
    /// It leads into the simulated town.
    pub simulated: bool,
}

/// Channels of one span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// Which span.
    pub span_id: i64,
    /// Time slots, 1 to 31 without 16. None is in the groups of two trunks.
    pub slots: Vec<u8>,
}

/// A trunk to add, or what of it is to change. What is left out of a change stays.
#[derive(Default, Deserialize, ToSchema)]
pub struct TrunkForm {
    /// Its name; needed for a new one.
    pub name: Option<String>,
    /// `sip`, as when left out of a new one, or `channels`. It does not change afterwards.
    pub kind: Option<String>,
    /// The channels; needed for a new trunk of channels.
    pub groups: Option<Vec<Group>>,
    /// `ascending`, `descending` or `least_used`.
    pub hunt: Option<String>,
    /// `address:port`, a numeric address; port 5060 when left out. Needed for a new SIP trunk.
    pub address: Option<String>,
    /// Further numeric addresses from which it may call us.
    pub sources: Option<Vec<String>>,
    /// Whether the box registers there.
    pub register: Option<bool>,
    /// The user name.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// Numbers that it owns.
    pub numbers: Option<Vec<String>>,
    /// Calls at once, 1 to 400; 30 when left out.
    pub channels_max: Option<u16>,
}

/// A trunk as it is shown.
#[must_use]
pub fn shown(row: &Row, live: &Live) -> Trunk {
    let settings = TrunkSettings::of(row);
    let (state, state_text) = live
        .trunks
        .get(&row.id)
        .map_or((TrunkState::Trying, String::new()), |(state, text)| (*state, text.clone()));
    let on_it = live.calls.values().filter(|call| call.record.line == Line::Trunk(row.id));
    let calls = on_it.count();
    Trunk {
        id: row.id.0,
        name: row.name.clone(),
        kind: match settings.kind {
            TrunkKind::Sip => "sip",
            TrunkKind::Channels => "channels",
        },
        groups: settings
            .groups
            .into_iter()
            .map(|group| Group { span_id: group.span.0, slots: group.slots })
            .collect(),
        hunt: hunt_word(settings.hunt),
        address: settings.address,
        sources: settings.sources,
        register: settings.register,
        user: settings.user,
        has_password: row.has_secret,
        numbers: settings.numbers,
        channels_max: settings.channels_max,
        state: match state {
            TrunkState::Trying => "trying",
            TrunkState::Up => "up",
            TrunkState::Down => "down",
        },
        state_text,
        in_use: calls > 0,
        calls,
        simulated: settings.simulated,
    }
}

const fn hunt_word(hunt: Hunt) -> &'static str {
    match hunt {
        Hunt::Ascending => "ascending",
        Hunt::Descending => "descending",
        Hunt::LeastUsed => "least_used",
    }
}

/// The trunks on which the tenant may dial; the operator sees all of the box.
#[utoipa::path(
    get, path = "/api/v1/trunks", tag = "trunks", responses((status = 200, body = Listed<Trunk>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Trunk>>, Problem> {
    let rows = visible(&front, &who).await?;
    let live = front.live();
    Ok(Listed::whole(rows.iter().map(|row| shown(row, &live)).collect()))
}

/// One trunk.
#[utoipa::path(
    get, path = "/api/v1/trunks/{id}", tag = "trunks", params(("id" = i64, Path)),
    responses((status = 200, body = Trunk))
)]
pub async fn one(State(front): State<Front>, who: Who, Id(id): Id) -> Result<Json<Trunk>, Problem> {
    Ok(Json(shown(&found(&front, &who, id).await?, &front.live())))
}

async fn visible(front: &Front, who: &Who) -> Result<Vec<Row>, Problem> {
    let (tenant, all) = (who.tenant, who.may(Right::EditTrunks));
    front
        .read_box(move |view| {
            let granted = view.tenant(tenant).trunk_grants()?;
            let mine = |row: &Row| all || granted.iter().any(|grant| grant.trunk == row.id);
            Ok(view.trunks()?.into_iter().filter(|row| !row.disabled && mine(row)).collect())
        })
        .await
}

async fn found(front: &Front, who: &Who, id: i64) -> Result<Row, Problem> {
    let mut rows = visible(front, who).await?.into_iter();
    rows.find(|row| row.id.0 == id).ok_or(Problem::NotFound { what: "trunk", id })
}

/// Adds a trunk, and lets one's own tenant dial on it.
#[utoipa::path(
    post, path = "/api/v1/trunks", tag = "trunks", request_body = TrunkForm,
    responses((status = 201, body = Trunk))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<TrunkForm>,
) -> Result<(StatusCode, Json<Trunk>), Problem> {
    let _alone = front.lines.lock().await;
    let name = sent.name.clone().ok_or_else(|| Problem::field("name", "write a name"))?;
    let kind = match sent.kind.as_deref() {
        None | Some("sip") => TrunkKind::Sip,
        Some("channels") => TrunkKind::Channels,
        Some(other) => {
            return Err(Problem::field("kind", format!("{other:?}: write sip or channels")));
        }
    };
    if kind == TrunkKind::Sip && sent.address.is_none() {
        return Err(Problem::field("address", "write where calls go, such as 192.0.2.7:5060"));
    }
    let wanted = name.trim().to_owned();
    let removed = front.read_box(|view| view.trunks()).await?;
    let removed = removed.into_iter().find(|row| row.disabled && row.name == wanted);
    let blank = TrunkSettings { channels_max: 30, kind, ..TrunkSettings::default() };
    let trunk = save(&front, &who, removed.map(|row| row.id), &name, blank, sent).await?;
    let caller_id = trunk.numbers.first().cloned();
    let (id, calls_max) = (TrunkId(trunk.id), u32::from(trunk.channels_max));
    let grant = BoxChange::GrantTrunk { trunk: id, tenant: who.tenant, calls_max, caller_id };
    front.write_box(&who, grant).await?;
    front.reload(&who, [Changed::Trunk(id)]).await?;
    Ok((StatusCode::CREATED, Json(trunk)))
}

/// Changes a trunk. Calls that run on it go on.
#[utoipa::path(
    put, path = "/api/v1/trunks/{id}", tag = "trunks", params(("id" = i64, Path)),
    request_body = TrunkForm, responses((status = 200, body = Trunk))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<TrunkForm>,
) -> Result<Json<Trunk>, Problem> {
    let _alone = front.lines.lock().await;
    let row = found(&front, &who, id).await?;
    let name = sent.name.clone().unwrap_or_else(|| row.name.clone());
    let settings = TrunkSettings::of(&row);
    let before = settings.clone();
    let same = settings.kind == TrunkKind::Channels;
    if sent.kind.as_deref().is_some_and(|kind| (kind == "channels") != same) {
        let reason = "the kind of a trunk stays as it is: add another trunk";
        return Err(Problem::field("kind", reason));
    }
    let trunk = save(&front, &who, Some(row.id), &name, settings, sent).await?;
    follow_grants(&front, &who, row.id, &before, &trunk).await?;
    Ok(Json(trunk))
}

/// A grant of the whole trunk is one of the whole trunk still; one that shows the trunk's first
/// number shows its first number.
async fn follow_grants(
    front: &Front,
    who: &Who,
    trunk: TrunkId,
    before: &TrunkSettings,
    now: &Trunk,
) -> Result<(), Problem> {
    let most = u32::from(now.channels_max);
    for grant in front.read_box(move |view| view.trunk_grants_of(trunk)).await? {
        let whole = grant.calls_max >= u32::from(before.channels_max) || grant.calls_max > most;
        let calls_max = if whole { most } else { grant.calls_max };
        let first = grant.caller_id.as_ref() == before.numbers.first();
        let caller_id = if first { now.numbers.first().cloned() } else { grant.caller_id.clone() };
        if (calls_max, &caller_id) != (grant.calls_max, &grant.caller_id) {
            let tenant = grant.tenant;
            let grant = BoxChange::GrantTrunk { trunk, tenant, calls_max, caller_id };
            front.write_box(who, grant).await?;
        }
    }
    front.reload(who, [Changed::Trunk(trunk)]).await
}

/// Removes a trunk: nothing is dialled on it and nothing taken from it. Records that name it stay.
#[utoipa::path(
    delete, path = "/api/v1/trunks/{id}", tag = "trunks", params(("id" = i64, Path)),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let _alone = front.lines.lock().await;
    let row = found(&front, &who, id).await?;
    // Its numbers are free for another trunk.
    let trunk = row.id;
    let owned = front.read_box(|view| view.numbers()).await?.into_iter();
    let numbers: Vec<String> =
        owned.filter(|own| own.trunk == trunk).map(|own| own.number).collect();
    if !numbers.is_empty() {
        front.write_box(&who, BoxChange::RemoveNumbers { trunk, numbers }).await?;
    }
    let save = SaveTrunk {
        id: Some(row.id),
        name: row.name,
        settings: row.settings,
        secret: None,
        disabled: true,
    };
    front.write_box(&who, BoxChange::SaveTrunk(save)).await?;
    front.reload(&who, [Changed::Trunk(TrunkId(id))]).await?;
    Ok(DONE)
}

async fn save(
    front: &Front,
    who: &Who,
    id: Option<TrunkId>,
    name: &str,
    mut settings: TrunkSettings,
    sent: TrunkForm,
) -> Result<Trunk, Problem> {
    let name = take::name("name", name)?;
    let secret = sent.password.clone().map(Secret::new);
    fill(front, &mut settings, sent)?;
    let (of_trunk, wanted) = (id, settings.clone());
    against_model(&wanted, &front.config)?;
    let wrong = front.read_box(move |view| against_others(view, of_trunk, &wanted)).await?;
    wrong.map_or(Ok(()), Err)?;
    let settings = serde_json::to_value(&settings).map_err(|e| Problem::Bug(e.to_string()))?;
    let change = BoxChange::SaveTrunk(SaveTrunk { id, name, settings, secret, disabled: false });
    let id = TrunkId(id_of(&front.write_box(who, change).await?)?);
    front.reload(who, [Changed::Trunk(id)]).await?;
    let row = front.read_box(move |view| view.trunk(id)).await?;
    Ok(shown(&row, &front.live()))
}

fn fill(front: &Front, settings: &mut TrunkSettings, sent: TrunkForm) -> Result<(), Problem> {
    if sent.password.as_ref().is_some_and(|text| text.chars().count() > TRUNK_PASSWORD_CHARS_MAX) {
        let reason = format!("write up to {TRUNK_PASSWORD_CHARS_MAX} characters");
        return Err(Problem::field("password", reason));
    }
    if let Some(address) = sent.address {
        settings.address = numeric("address", &address)?.to_string();
    }
    if let Some(sources) = sent.sources {
        if sources.len() > TRUNK_SOURCES_MAX {
            return Err(Problem::field("sources", format!("write up to {TRUNK_SOURCES_MAX}")));
        }
        let each = sources.iter().map(|source| numeric("sources", source).map(|at| at.to_string()));
        settings.sources = each.collect::<Result<_, _>>()?;
    }
    if let Some(numbers) = sent.numbers {
        if numbers.len() > TRUNK_NUMBERS_MAX {
            let reason = format!(
                "write up to {TRUNK_NUMBERS_MAX}; ranges of numbers are added on the page Numbers"
            );
            return Err(Problem::field("numbers", reason));
        }
        let read = |text: &String| {
            let normal = front.plan.read(text).map_err(|why| Problem::number("numbers", why))?;
            Ok::<_, Problem>(normal.number.as_str().to_owned())
        };
        settings.numbers = numbers.iter().map(read).collect::<Result<_, _>>()?;
    }
    if let Some(channels) = sent.channels_max {
        if !(1..=400).contains(&channels) {
            return Err(Problem::field("channels_max", "write 1 to 400"));
        }
        settings.channels_max = channels;
    }
    if settings.kind == TrunkKind::Channels {
        return fill_channels(settings, sent.groups, sent.hunt, sent.channels_max);
    }
    settings.register = sent.register.unwrap_or(settings.register);
    if let Some(user) = sent.user {
        if user.len() > 128 || user.chars().any(char::is_control) {
            return Err(Problem::field("user", "write up to 128 characters"));
        }
        settings.user = user;
    }
    if settings.register && settings.user.is_empty() {
        return Err(Problem::field("user", "a trunk that registers needs a user name"));
    }
    Ok(())
}

fn fill_channels(
    settings: &mut TrunkSettings,
    groups: Option<Vec<Group>>,
    hunt: Option<String>,
    channels_max: Option<u16>,
) -> Result<(), Problem> {
    if let Some(hunt) = hunt {
        let all = [Hunt::Ascending, Hunt::Descending, Hunt::LeastUsed];
        let found = all.into_iter().find(|rule| hunt_word(*rule) == hunt);
        settings.hunt = found.ok_or_else(|| {
            let reason = format!("{hunt:?}: write ascending, descending or least_used");
            Problem::field("hunt", reason)
        })?;
    }
    let Some(groups) = groups else {
        let none = settings.groups.is_empty();
        let wrong = || Problem::field("groups", "choose the channels of the trunk");
        return if none { Err(wrong()) } else { Ok(()) };
    };
    let mut read: Vec<ChannelGroup> = Vec::new();
    for group in groups {
        let span = SpanId(group.span_id);
        let mut slots = group.slots;
        slots.sort_unstable();
        let wrong = slots.iter().find(|slot| !all_slots().contains(slot));
        if let Some(slot) = wrong {
            let reason = format!(
                "span {}, slot {slot}: a channel is one of the slots 1 to 31 without {D_SLOT}",
                span.0
            );
            return Err(Problem::field("groups", reason));
        }
        let twice = slots.windows(2).find(|two| two.first() == two.last());
        if read.iter().any(|known| known.span == span) || twice.is_some() {
            let what = match twice.and_then(|two| two.first()) {
                Some(slot) => format!("span {}, slot {slot} is named twice", span.0),
                None => format!("span {} is named twice", span.0),
            };
            return Err(Problem::field("groups", what));
        }
        if !slots.is_empty() {
            read.push(ChannelGroup { span, slots });
        }
    }
    if read.is_empty() {
        return Err(Problem::field("groups", "choose at least one channel"));
    }
    settings.groups = read;
    // As many calls as channels, unless fewer are wanted.
    let channels: usize = settings.groups.iter().map(|group| group.slots.len()).sum();
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    settings.channels_max = channels_max.unwrap_or(channels).min(channels);
    Ok(())
}

/// What the model has not.
fn against_model(wanted: &TrunkSettings, config: &Config) -> Result<(), Problem> {
    for group in &wanted.groups {
        let place = usize::try_from(group.span.0 - 1).ok();
        let Some(span) = place.and_then(|at| config.span.get(at)) else {
            let spans = config.span.len();
            let reason = format!("there is no span {}: the model file has {spans}", group.span.0);
            return Err(Problem::field("groups", reason));
        };
        let carried = span.channels.as_deref().and_then(link::span::slots);
        let carried = carried.unwrap_or_else(all_slots);
        if let Some(slot) = group.slots.iter().find(|slot| !carried.contains(slot)) {
            let reason = format!(
                "span {}, slot {slot} carries no calls by the model file: leave it out",
                group.span.0
            );
            return Err(Problem::field("groups", reason));
        }
    }
    Ok(())
}

/// What another trunk has already.
fn against_others(
    view: BoxView<'_>,
    trunk: Option<TrunkId>,
    wanted: &TrunkSettings,
) -> store::Result<Option<Problem>> {
    let rows = view.trunks()?;
    let others = rows.iter().filter(|row| !row.disabled && Some(row.id) != trunk);
    for row in others {
        let theirs = TrunkSettings::of(row);
        for group in theirs.groups.iter().filter(|_| theirs.kind == TrunkKind::Channels) {
            let ours = wanted.groups.iter().filter(|own| own.span == group.span);
            let mut slots = ours.flat_map(|own| &own.slots);
            if let Some(slot) = slots.find(|slot| group.slots.contains(slot)) {
                let reason = format!(
                    "span {}, slot {slot} belongs to trunk {} already: leave it out",
                    group.span.0, row.name
                );
                return Ok(Some(Problem::field("groups", reason)));
            }
        }
    }
    // Two carriers may show the same number; one of a range is called over its own trunk alone.
    let owned = view.numbers()?;
    for number in &wanted.numbers {
        let ranged = owned.iter().find(|own| own.number == *number);
        if let Some(row) = ranged.and_then(|own| rows.iter().find(|row| row.id == own.trunk)) {
            let reason = format!("{number} belongs to trunk {} already: leave it out", row.name);
            return Ok(Some(Problem::field("numbers", reason)));
        }
    }
    Ok(None)
}

/// The switch takes numeric addresses alone: a name that cannot be resolved must not keep every
/// other trunk from being served.
fn numeric(field: &'static str, text: &str) -> Result<SocketAddr, Problem> {
    let text = text.trim();
    let bare = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 5060));
    text.parse().ok().or_else(bare).ok_or_else(|| {
        Problem::field(field, format!("{text:?} is not a numeric address: write 192.0.2.7:5060"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_numeric_with_or_without_its_port() {
        assert_eq!(numeric("a", "192.0.2.7").unwrap().to_string(), "192.0.2.7:5060");
        assert_eq!(numeric("a", " [2001:db8::1]:5080 ").unwrap().to_string(), "[2001:db8::1]:5080");
        for wrong in ["sip.example.com", "", "192.0.2.7:70000"] {
            assert!(numeric("a", wrong).is_err(), "{wrong}");
        }
    }
}
