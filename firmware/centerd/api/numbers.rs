//! The numbers of trunks, in ranges: who may show them, and where calls to them go. Numbers belong
//! to the box; whoever may change trunks adds and grants them, and a tenant routes its own.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{AccountId, Number, TenantId, TrunkId};
use serde::{Deserialize, Deserializer, Serialize};
use store::numbers::{OwnNumber, SaveNumbers};
use store::{BoxChange, BoxView};
use utoipa::{IntoParams, ToSchema};

use super::Front;
use super::errors::Problem;
use super::limits::NOTE_CHARS_MAX;
use super::rights::{Right, Who};
use super::take::{Asked, DONE, Listed, Sent};
use crate::center::reception::NumberRoute;
use crate::center::view::Changed;
use crate::load::TrunkSettings;
use crate::number_range::{self, RANGE_MAX};

/// Numbers that follow each other and are alike in everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NumberRange {
    /// As it is written: `+861062010000-0049`, or one number.
    pub range: String,
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
    /// How many.
    pub count: usize,
    /// Which trunk owns them.
    pub trunk_id: i64,
    /// That trunk's name.
    pub trunk: String,
    /// Who may show them and is called by them; null: nobody yet.
    pub tenant_id: Option<i64>,
    /// That tenant's name.
    pub tenant: Option<String>,
    /// Where calls to them go.
    pub route: Route,
    /// For people.
    pub note: String,
}

/// Where calls to a number go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Route {
    /// `announcement`: the caller hears that nobody can be reached; `phone`: a desk phone rings.
    pub to: String,
    /// Which phone.
    #[serde(default)]
    pub phone_id: Option<i64>,
    /// That phone's user; only in answers.
    #[serde(default, skip_deserializing)]
    pub phone: Option<String>,
}

/// Numbers to add, or what of them is to change. What is left out of a change stays.
#[derive(Default, Deserialize, ToSchema)]
pub struct NumberForm {
    /// `+861062010000-0049`: the last digits of the last number behind the dash. One number: that
    /// one, or as many as `count` says.
    pub range: String,
    /// With one number: how many numbers begin with it.
    pub count: Option<usize>,
    /// Which trunk owns them; needed for new ones.
    pub trunk_id: Option<i64>,
    /// Who may show them; null: nobody. Left out of new ones: one's own tenant.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<i64>)]
    pub tenant_id: Option<Option<i64>>,
    /// Where calls to them go; left out of new ones: an announcement.
    pub route: Option<Route>,
    /// For people.
    pub note: Option<String>,
}

/// `null` is said, too.
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::<i64>::deserialize(from).map(Some)
}

/// Which numbers.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NumbersAsked {
    /// Only those of this trunk.
    pub trunk_id: Option<i64>,
}

/// Which numbers to take away.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NumbersGone {
    /// As in the list: `+861062010000-0049`, or one number.
    pub range: String,
}

/// What ranges are shown with and checked against.
struct Known {
    owned: Vec<OwnNumber>,
    trunks: Vec<store::trunks::Trunk>,
    tenants: BTreeMap<TenantId, String>,
    phones: BTreeMap<AccountId, (TenantId, String)>,
}

impl Known {
    fn read(view: BoxView<'_>) -> store::Result<Known> {
        let tenants = view.tenants()?;
        let mut phones = BTreeMap::new();
        for tenant in &tenants {
            let accounts = view.tenant(tenant.id).accounts()?.into_iter();
            let there = accounts.filter(|row| !row.disabled);
            phones.extend(there.map(|row| (row.id, (tenant.id, row.user))));
        }
        Ok(Known {
            owned: view.numbers()?,
            trunks: view.trunks()?.into_iter().filter(|row| !row.disabled).collect(),
            tenants: tenants.into_iter().map(|row| (row.id, row.name)).collect(),
            phones,
        })
    }

    fn trunk_name(&self, id: TrunkId) -> String {
        let row = self.trunks.iter().find(|row| row.id == id);
        row.map(|row| row.name.clone()).unwrap_or_default()
    }

    fn owner(&self, number: &str) -> Option<&OwnNumber> {
        self.owned.iter().find(|own| own.number == number)
    }

    /// A number that some trunk has already.
    fn check_free(&self, numbers: &[String]) -> Result<(), Problem> {
        for number in numbers {
            let ranged = self.owner(number).map(|own| self.trunk_name(own.trunk));
            let settled = || {
                let has = |row: &&store::trunks::Trunk| {
                    TrunkSettings::of(row).numbers.iter().any(|own| own == number)
                };
                self.trunks.iter().find(has).map(|row| row.name.clone())
            };
            if let Some(trunk) = ranged.or_else(settled) {
                let reason = format!("{number} belongs to trunk {trunk} already: leave it out");
                return Err(Problem::field("range", reason));
            }
        }
        Ok(())
    }

    fn route(&self, sent: &Route, tenant: Option<TenantId>) -> Result<NumberRoute, Problem> {
        match (sent.to.as_str(), sent.phone_id.map(AccountId)) {
            ("announcement", _) => Ok(NumberRoute::Announcement),
            ("phone", None) => Err(Problem::field("phone_id", "choose the phone that rings")),
            ("phone", Some(account)) => {
                let known = self.phones.get(&account).map(|(of, _)| *of);
                if known.is_some() && known == tenant {
                    return Ok(NumberRoute::Phone { account });
                }
                let whom = tenant.and_then(|tenant| self.tenants.get(&tenant));
                let reason = match whom {
                    Some(name) => format!("{} is no phone of {name}: choose another", account.0),
                    None => "grant the numbers to somebody first".to_owned(),
                };
                Err(Problem::field("phone_id", reason))
            }
            (other, _) => {
                Err(Problem::field("route", format!("{other:?}: write announcement or phone")))
            }
        }
    }

    fn shown(&self, numbers: &[&OwnNumber]) -> Option<NumberRange> {
        let (first, last) = (*numbers.first()?, *numbers.last()?);
        let route = match NumberRoute::of(first) {
            NumberRoute::Announcement => {
                Route { to: "announcement".to_owned(), phone_id: None, phone: None }
            }
            NumberRoute::Phone { account } => Route {
                to: "phone".to_owned(),
                phone_id: Some(account.0),
                phone: self.phones.get(&account).map(|(_, user)| user.clone()),
            },
        };
        Some(NumberRange {
            range: number_range::write(&first.number, &last.number),
            first: first.number.clone(),
            last: last.number.clone(),
            count: numbers.len(),
            trunk_id: first.trunk.0,
            trunk: self.trunk_name(first.trunk),
            tenant_id: first.tenant.map(|tenant| tenant.0),
            tenant: first.tenant.and_then(|tenant| self.tenants.get(&tenant).cloned()),
            route,
            note: first.note.clone(),
        })
    }

    /// Alike and one after the other: one range.
    fn ranges(&self, wanted: impl Fn(&OwnNumber) -> bool) -> Vec<NumberRange> {
        let mut ranges = Vec::new();
        let mut open: Vec<&OwnNumber> = Vec::new();
        for own in self.owned.iter().filter(|own| wanted(own)) {
            let follows = open.last().is_some_and(|last| {
                number_range::follows(&last.number, &own.number) && alike(last, own)
            });
            if !follows {
                ranges.extend(self.shown(&open));
                open.clear();
            }
            open.push(own);
        }
        ranges.extend(self.shown(&open));
        ranges
    }
}

fn alike(a: &OwnNumber, b: &OwnNumber) -> bool {
    (a.trunk, a.tenant, &a.route, &a.note) == (b.trunk, b.tenant, &b.route, &b.note)
}

/// The numbers granted to the tenant; who may change trunks sees all of the box.
#[utoipa::path(
    get, path = "/api/v1/numbers", tag = "numbers", params(NumbersAsked),
    responses((status = 200, body = Listed<NumberRange>))
)]
pub async fn list(
    State(front): State<Front>,
    who: Who,
    Asked(asked): Asked<NumbersAsked>,
) -> Result<Json<Listed<NumberRange>>, Problem> {
    let known = front.read_box(Known::read).await?;
    let (all, tenant) = (who.may(Right::EditTrunks), who.tenant);
    let ranges = known.ranges(|own| {
        (all || own.tenant == Some(tenant))
            && asked.trunk_id.is_none_or(|trunk| own.trunk.0 == trunk)
    });
    Ok(Listed::whole(ranges))
}

/// Adds numbers to a trunk; all of them or none.
#[utoipa::path(
    post, path = "/api/v1/numbers", tag = "numbers", request_body = NumberForm,
    responses((status = 201, body = Listed<NumberRange>))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<NumberForm>,
) -> Result<(StatusCode, Json<Listed<NumberRange>>), Problem> {
    let _alone = front.lines.lock().await;
    let numbers = numbers_of(&front, &sent.range, sent.count)?;
    let known = front.read_box(Known::read).await?;
    let wanted = sent.trunk_id.map(TrunkId);
    let wanted =
        wanted.ok_or_else(|| Problem::field("trunk_id", "choose the trunk they are of"))?;
    let trunk = known.trunks.iter().find(|row| row.id == wanted).map(|row| row.id);
    let trunk = trunk.ok_or_else(|| {
        Problem::field("trunk_id", format!("there is no trunk {}: choose another", wanted.0))
    })?;
    known.check_free(&numbers)?;
    let tenant = granted(&known, sent.tenant_id.unwrap_or(Some(who.tenant.0)))?;
    let route = sent.route.as_ref().map(|route| known.route(route, tenant)).transpose()?;
    let save = SaveNumbers {
        trunk,
        numbers: numbers.clone(),
        tenant,
        route: written(route.unwrap_or_default())?,
        note: note(sent.note.unwrap_or_default())?,
    };
    front.write_box(&who, BoxChange::SaveNumbers(save)).await?;
    front.reload(&who, [Changed::Trunk(trunk)]).await?;
    let known = front.read_box(Known::read).await?;
    Ok((StatusCode::CREATED, Listed::whole(known.ranges(|own| numbers.contains(&own.number)))))
}

/// Changes numbers that a trunk owns: a whole range or a part of one.
#[utoipa::path(
    put, path = "/api/v1/numbers", tag = "numbers", request_body = NumberForm,
    responses((status = 200, body = Listed<NumberRange>))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<NumberForm>,
) -> Result<Json<Listed<NumberRange>>, Problem> {
    let _alone = front.lines.lock().await;
    let numbers = numbers_of(&front, &sent.range, sent.count)?;
    let known = front.read_box(Known::read).await?;
    let operator = who.may(Right::EditTrunks);
    if sent.tenant_id.is_some() && !operator {
        return Err(Problem::NotAllowed);
    }
    let tenant = sent.tenant_id.map(|tenant| granted(&known, tenant)).transpose()?;
    let note = sent.note.map(note).transpose()?;
    // Numbers that are alike afterwards are written together.
    let mut saves: Vec<SaveNumbers> = Vec::new();
    for number in &numbers {
        let own = known.owner(number).filter(|own| operator || own.tenant == Some(who.tenant));
        let own = own.ok_or_else(|| {
            let reason = format!("{number} is no number of a trunk that is yours: leave it out");
            Problem::field("range", reason)
        })?;
        let tenant = tenant.unwrap_or(own.tenant);
        let route = match &sent.route {
            Some(route) => known.route(route, tenant)?,
            // A phone of the tenant before would ring for the tenant after.
            None if tenant != own.tenant => NumberRoute::default(),
            None => NumberRoute::of(own),
        };
        let save = SaveNumbers {
            trunk: own.trunk,
            numbers: vec![number.clone()],
            tenant,
            route: written(route)?,
            note: note.clone().unwrap_or_else(|| own.note.clone()),
        };
        let same = saves.iter_mut().find(|other| {
            (other.trunk, other.tenant, &other.route, &other.note)
                == (save.trunk, save.tenant, &save.route, &save.note)
        });
        match same {
            Some(other) => other.numbers.push(number.clone()),
            None => saves.push(save),
        }
    }
    let trunks: Vec<Changed> = saves.iter().map(|save| Changed::Trunk(save.trunk)).collect();
    for save in saves {
        front.write_box(&who, BoxChange::SaveNumbers(save)).await?;
    }
    front.reload(&who, trunks).await?;
    let known = front.read_box(Known::read).await?;
    Ok(Listed::whole(known.ranges(|own| numbers.contains(&own.number))))
}

/// Takes numbers away from their trunk. Calls that show them go on; records stay.
#[utoipa::path(
    delete, path = "/api/v1/numbers", tag = "numbers", params(NumbersGone),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Asked(gone): Asked<NumbersGone>,
) -> Result<StatusCode, Problem> {
    let _alone = front.lines.lock().await;
    let numbers = numbers_of(&front, &gone.range, None)?;
    let known = front.read_box(Known::read).await?;
    let mut of_trunk: BTreeMap<TrunkId, Vec<String>> = BTreeMap::new();
    for number in numbers {
        let own = known.owner(&number).ok_or_else(|| {
            Problem::field("range", format!("{number} is no number of a trunk: leave it out"))
        })?;
        of_trunk.entry(own.trunk).or_default().push(number);
    }
    let trunks: Vec<Changed> = of_trunk.keys().map(|trunk| Changed::Trunk(*trunk)).collect();
    for (trunk, numbers) in of_trunk {
        front.write_box(&who, BoxChange::RemoveNumbers { trunk, numbers }).await?;
    }
    front.reload(&who, trunks).await?;
    Ok(DONE)
}

/// The numbers that are meant, in the form in which they are kept.
fn numbers_of(front: &Front, range: &str, count: Option<usize>) -> Result<Vec<String>, Problem> {
    let wrong = |why: number_range::RangeError| Problem::field("range", why.to_string());
    let mut numbers = number_range::read(range).map_err(wrong)?;
    if let (Some(count), [first]) = (count, numbers.as_slice()) {
        if !(1..=RANGE_MAX).contains(&count) {
            return Err(Problem::field("count", format!("{count}: write 1 to {RANGE_MAX}")));
        }
        numbers = number_range::count_from(first, count).map_err(wrong)?;
    }
    let kept = |text: &String| match text.parse::<Number>() {
        Ok(number) => Ok(number.as_str().to_owned()),
        // Written as one would dial it here.
        Err(_) => match front.plan.read(text) {
            Ok(normal) => Ok(normal.number.as_str().to_owned()),
            Err(why) => Err(Problem::field(
                "range",
                format!("{text}: {why}: write + and country code, or as you dial it"),
            )),
        },
    };
    numbers.iter().map(kept).collect()
}

fn granted(known: &Known, tenant: Option<i64>) -> Result<Option<TenantId>, Problem> {
    let wrong = |id: i64| Problem::field("tenant_id", format!("there is no tenant {id}"));
    let check = |id: i64| {
        let tenant = TenantId(id);
        if known.tenants.contains_key(&tenant) { Ok(tenant) } else { Err(wrong(id)) }
    };
    tenant.map(check).transpose()
}

fn note(text: String) -> Result<String, Problem> {
    let text = text.trim().to_owned();
    if text.chars().count() > NOTE_CHARS_MAX {
        return Err(Problem::field("note", format!("write at most {NOTE_CHARS_MAX} characters")));
    }
    Ok(text)
}

fn written(route: NumberRoute) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(route).map_err(|e| Problem::Bug(e.to_string()))
}
