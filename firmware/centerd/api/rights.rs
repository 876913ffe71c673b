//! The one place where it is decided who may do what. Every route names one right; every role has
//! a list of rights; what is not listed is denied, and so is a route that is not in the table.
//!
//! Rows are a second question, answered here too: [`Who::only_own`] narrows an agent to their own
//! work, and the tenant of every query is the tenant of whoever asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use call::{AgentId, PersonId, Stamp, TenantId};
use store::Actor;
use store::persons::Role;
use store::sessions::TokenHash;

use super::Front;
use super::auth;
use super::errors::Problem;

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// One thing that somebody may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Right {
            $($(#[$doc])* $name,)*
        }

        impl Right {
            /// Every right.
            pub const ALL: &'static [Right] = &[$(Right::$name,)*];

            /// The word under which a token keeps it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Right::$name => $word,)* }
            }

            /// The right of this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Right> {
                Right::ALL.iter().copied().find(|right| right.word() == word)
            }
        }
    };
}

rights! {
    /// Without signing in.
    Open = "open",
    /// One's own session and password; also before the password is changed.
    Own = "own",
    /// Name and ports of the box, the stream of events.
    See = "see",
    /// Phone accounts.
    SeePhones = "see_phones",
    /// Add, change, remove phone accounts.
    EditPhones = "edit_phones",
    /// Trunks and their state.
    SeeTrunks = "see_trunks",
    /// Add, change, remove trunks: they belong to the box.
    EditTrunks = "edit_trunks",
    /// Enterprises on the box: see and add them.
    EditTenants = "edit_tenants",
    /// E1 spans, their channels and alarms.
    SeeSpans = "see_spans",
    /// Change, test, block and trace spans: they belong to the box.
    EditSpans = "edit_spans",
    /// The numbers of trunks that are granted to the tenant.
    SeeNumbers = "see_numbers",
    /// Where calls to the tenant's numbers go. To add and grant them needs `edit_trunks`.
    EditNumbers = "edit_numbers",
    /// Agents and their state.
    SeeAgents = "see_agents",
    /// Add, change, remove agents.
    EditAgents = "edit_agents",
    /// Sit on a seat: one's own, unless `lead_agents` is there too.
    Seat = "seat",
    /// Act for every agent.
    LeadAgents = "lead_agents",
    /// Campaigns and their progress.
    SeeCampaigns = "see_campaigns",
    /// Add and change campaigns.
    EditCampaigns = "edit_campaigns",
    /// Start and pause them.
    RunCampaigns = "run_campaigns",
    /// Lists of leads, with their numbers.
    SeeLeads = "see_leads",
    /// Upload lists.
    UploadLeads = "upload_leads",
    /// Attempts and calls: one's own, unless `see_all` is there too.
    SeeRecords = "see_records",
    /// Play recordings: one's own, unless `see_all` is there too.
    Play = "play",
    /// Rows of every agent of the tenant.
    SeeAll = "see_all",
    /// The do-not-call list.
    SeeDnc = "see_dnc",
    /// Change it.
    EditDnc = "edit_dnc",
    /// What may be dialled.
    SeeDestinations = "see_destinations",
    /// Change it.
    EditDestinations = "edit_destinations",
    /// The chain of events.
    Audit = "audit",
    /// Alarms with their text.
    SeeAlarms = "see_alarms",
    /// Console users.
    EditPersons = "edit_persons",
    /// Tokens of programs.
    EditTokens = "edit_tokens",
}

/// What a role may do.
#[must_use]
pub fn of_role(role: Role) -> BTreeSet<Right> {
    use Right::*;
    let agent = [Own, See, SeeAgents, SeePhones, SeeCampaigns, Seat, SeeRecords, Play];
    let quality = [Own, See, SeeAgents, SeeCampaigns, SeeRecords, Play, SeeAll];
    let leader = [
        Own,
        See,
        SeeAgents,
        SeePhones,
        SeeTrunks,
        SeeSpans,
        SeeNumbers,
        SeeCampaigns,
        Seat,
        LeadAgents,
        RunCampaigns,
        SeeLeads,
        UploadLeads,
        SeeRecords,
        Play,
        SeeAll,
        SeeDnc,
        EditDnc,
        SeeAlarms,
    ];
    match role {
        Role::Agent => agent.into(),
        Role::Quality => quality.into(),
        Role::Leader => leader.into(),
        Role::Administrator => {
            let of_box = [EditTrunks, EditSpans, EditTenants];
            Right::ALL.iter().copied().filter(|right| !of_box.contains(right)).collect()
        }
        // The operator of the box is an administrator of their tenant too.
        Role::Operator => Right::ALL.iter().copied().collect(),
    }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// The right that each route asks for.
pub const ROUTES: &[(Method, &str, Right)] = &[
    (GET, "/api/v1/health", Right::Open),
    (GET, "/api/v1/openapi.json", Right::Open),
    (POST, "/api/v1/login", Right::Open),
    (POST, "/api/v1/logout", Right::Own),
    (GET, "/api/v1/me", Right::Own),
    (POST, "/api/v1/me/password", Right::Own),
    (GET, "/api/v1/box", Right::See),
    (GET, "/api/v1/events", Right::See),
    (GET, "/api/v1/tokens", Right::EditTokens),
    (POST, "/api/v1/tokens", Right::EditTokens),
    (DELETE, "/api/v1/tokens/{id}", Right::EditTokens),
    (GET, "/api/v1/phones", Right::SeePhones),
    (POST, "/api/v1/phones", Right::EditPhones),
    (GET, "/api/v1/phones/{id}", Right::SeePhones),
    (PUT, "/api/v1/phones/{id}", Right::EditPhones),
    (DELETE, "/api/v1/phones/{id}", Right::EditPhones),
    (GET, "/api/v1/trunks", Right::SeeTrunks),
    (POST, "/api/v1/trunks", Right::EditTrunks),
    (GET, "/api/v1/trunks/{id}", Right::SeeTrunks),
    (PUT, "/api/v1/trunks/{id}", Right::EditTrunks),
    (DELETE, "/api/v1/trunks/{id}", Right::EditTrunks),
    (GET, "/api/v1/trunks/{id}/grants", Right::EditTrunks),
    (PUT, "/api/v1/trunks/{id}/grants/{tenant}", Right::EditTrunks),
    (DELETE, "/api/v1/trunks/{id}/grants/{tenant}", Right::EditTrunks),
    (GET, "/api/v1/tenants", Right::EditTenants),
    (POST, "/api/v1/tenants", Right::EditTenants),
    (GET, "/api/v1/spans", Right::SeeSpans),
    (GET, "/api/v1/spans/{id}", Right::SeeSpans),
    (PUT, "/api/v1/spans/{id}", Right::EditSpans),
    (GET, "/api/v1/spans/{id}/history", Right::SeeSpans),
    (GET, "/api/v1/spans/{id}/trace", Right::EditSpans),
    (POST, "/api/v1/spans/{id}/restart", Right::EditSpans),
    (POST, "/api/v1/spans/{id}/test", Right::EditSpans),
    (POST, "/api/v1/spans/{id}/channels/{slot}", Right::EditSpans),
    (GET, "/api/v1/numbers", Right::SeeNumbers),
    (POST, "/api/v1/numbers", Right::EditTrunks),
    (PUT, "/api/v1/numbers", Right::EditNumbers),
    (DELETE, "/api/v1/numbers", Right::EditTrunks),
    (GET, "/api/v1/agents", Right::SeeAgents),
    (POST, "/api/v1/agents", Right::EditAgents),
    (GET, "/api/v1/agents/{id}", Right::SeeAgents),
    (PUT, "/api/v1/agents/{id}", Right::EditAgents),
    (DELETE, "/api/v1/agents/{id}", Right::EditAgents),
    (POST, "/api/v1/agents/{id}/sign_in", Right::Seat),
    (POST, "/api/v1/agents/{id}/sign_out", Right::Seat),
    (POST, "/api/v1/agents/{id}/ready", Right::Seat),
    (POST, "/api/v1/agents/{id}/pause", Right::Seat),
    (POST, "/api/v1/agents/{id}/disposition", Right::Seat),
    (POST, "/api/v1/agents/{id}/hang_up", Right::Seat),
    (POST, "/api/v1/agents/{id}/hold", Right::Seat),
    (GET, "/api/v1/campaigns", Right::SeeCampaigns),
    (POST, "/api/v1/campaigns", Right::EditCampaigns),
    (GET, "/api/v1/campaigns/{id}", Right::SeeCampaigns),
    (PUT, "/api/v1/campaigns/{id}", Right::EditCampaigns),
    (DELETE, "/api/v1/campaigns/{id}", Right::EditCampaigns),
    (POST, "/api/v1/campaigns/{id}/start", Right::RunCampaigns),
    (POST, "/api/v1/campaigns/{id}/pause", Right::RunCampaigns),
    (GET, "/api/v1/campaigns/{id}/leads", Right::SeeLeads),
    (POST, "/api/v1/campaigns/{id}/leads", Right::UploadLeads),
    (GET, "/api/v1/campaigns/{id}/batches", Right::SeeLeads),
    (GET, "/api/v1/batches/{id}/rows", Right::SeeLeads),
    (GET, "/api/v1/attempts", Right::SeeRecords),
    (GET, "/api/v1/attempts/{id}", Right::SeeRecords),
    (GET, "/api/v1/calls", Right::SeeRecords),
    (GET, "/api/v1/recordings/{id}", Right::Play),
    (GET, "/api/v1/recordings/{id}/record", Right::Play),
    (GET, "/api/v1/dnc", Right::SeeDnc),
    (POST, "/api/v1/dnc", Right::EditDnc),
    (DELETE, "/api/v1/dnc/{id}", Right::EditDnc),
    (POST, "/api/v1/dnc/import", Right::EditDnc),
    (GET, "/api/v1/destinations", Right::SeeDestinations),
    (PUT, "/api/v1/destinations", Right::EditDestinations),
    (GET, "/api/v1/audit", Right::Audit),
    (GET, "/api/v1/audit/verify", Right::Audit),
    (GET, "/api/v1/alarms", Right::SeeAlarms),
    (GET, "/api/v1/persons", Right::EditPersons),
    (POST, "/api/v1/persons", Right::EditPersons),
    (PUT, "/api/v1/persons/{id}", Right::EditPersons),
    (DELETE, "/api/v1/persons/{id}", Right::EditPersons),
];

/// The right that a route asks for; `None`: it is not in the table, and denied.
#[must_use]
pub fn of_route(method: &Method, path: &str) -> Option<Right> {
    // A HEAD is a GET without its body.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let found = ROUTES.iter().find(|(verb, route, _)| verb == method && *route == path);
    found.map(|(_, _, right)| *right)
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Who(Arc<Asker>);

/// What is known of who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// In whose name.
    pub tenant: TenantId,
    /// As what, for the chain of events.
    pub actor: Actor,
    /// The console user; `None`: a program.
    pub person: Option<PersonId>,
    /// The agent whom the person is.
    pub agent: Option<AgentId>,
    /// The session's cookie; `None`: a bearer token.
    pub session: Option<TokenHash>,
    /// Until when the session lasts by this use, where that is to be written.
    pub renews: Option<Stamp>,
    /// The password must be changed first.
    pub must_change: bool,
    /// What they may do.
    pub rights: BTreeSet<Right>,
}

impl From<Asker> for Who {
    fn from(asker: Asker) -> Who {
        Who(Arc::new(asker))
    }
}

impl core::ops::Deref for Who {
    type Target = Asker;
    fn deref(&self) -> &Asker {
        &self.0
    }
}

impl Who {
    /// Whether they have this right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }

    /// The agent to whose rows they are narrowed; `None`: not narrowed. Who is narrowed and is no
    /// agent sees nothing.
    #[must_use]
    pub fn only_own(&self) -> Option<AgentId> {
        (!self.may(Right::SeeAll)).then(|| self.agent.unwrap_or(AgentId(0)))
    }

    /// Whether a row of this agent is theirs to see.
    #[must_use]
    pub fn may_see_row_of(&self, agent: Option<AgentId>) -> bool {
        self.only_own().is_none_or(|own| agent == Some(own))
    }

    /// Whether they may act on this seat.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn check_seat(&self, agent: AgentId) -> Result<(), Problem> {
        let allowed = self.may(Right::LeadAgents) || self.agent == Some(agent);
        if allowed { Ok(()) } else { Err(Problem::NotAllowed) }
    }
}

/// Lets a request through to its route, or answers it.
pub async fn guard(State(front): State<Front>, mut request: Request, next: Next) -> Response {
    match admit(&front, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn admit(front: &Front, request: &mut Request) -> Result<(), Problem> {
    let path = request.extensions().get::<MatchedPath>().ok_or(Problem::NotAllowed)?;
    let right = of_route(request.method(), path.as_str()).ok_or(Problem::NotAllowed)?;
    if right == Right::Open {
        return Ok(());
    }
    let who = auth::identify(front, request.headers(), request.uri()).await?;
    auth::renew(front, &who);
    let changes = request.method() != Method::GET && request.method() != Method::HEAD;
    if changes && who.session.is_some() && !request.headers().contains_key("x-linebox") {
        return Err(Problem::NoMark);
    }
    if who.must_change && right != Right::Own {
        return Err(Problem::MustChangePassword);
    }
    if !who.may(right) {
        return Err(Problem::NotAllowed);
    }
    request.extensions_mut().insert(who);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_is_not_in_the_table_has_no_right() {
        assert_eq!(of_route(&Method::GET, "/api/v1/secrets"), None);
        assert_eq!(of_route(&Method::DELETE, "/api/v1/audit"), None);
        assert_eq!(of_route(&Method::HEAD, "/api/v1/recordings/{id}"), Some(Right::Play));
    }

    #[test]
    fn every_right_is_found_again_by_its_word() {
        for right in Right::ALL {
            assert_eq!(Right::from_word(right.word()), Some(*right));
        }
    }

    #[test]
    fn no_role_below_the_administrator_can_change_who_may_do_what() {
        for role in [Role::Leader, Role::Quality, Role::Agent] {
            let rights = of_role(role);
            for right in [Right::EditPersons, Right::EditTokens, Right::EditDestinations] {
                assert!(!rights.contains(&right), "{role:?} {right:?}");
            }
        }
        for right in [Right::EditTrunks, Right::EditSpans, Right::EditTenants] {
            assert!(!of_role(Role::Administrator).contains(&right));
            assert!(of_role(Role::Operator).contains(&right));
        }
        assert!(!of_role(Role::Agent).contains(&Right::SeeAll));
    }

    #[test]
    fn an_agent_acts_and_looks_on_their_own_alone() {
        let asker = |role, agent| -> Who {
            Asker {
                tenant: TenantId(1),
                actor: Actor::Box,
                person: None,
                agent,
                session: None,
                renews: None,
                must_change: false,
                rights: of_role(role),
            }
            .into()
        };
        let agent = asker(Role::Agent, Some(AgentId(3)));
        assert!(agent.check_seat(AgentId(3)).is_ok() && agent.check_seat(AgentId(4)).is_err());
        assert!(agent.may_see_row_of(Some(AgentId(3))) && !agent.may_see_row_of(None));
        let nobody = asker(Role::Agent, None);
        assert!(nobody.check_seat(AgentId(3)).is_err());
        assert!(!nobody.may_see_row_of(Some(AgentId(3))) && !nobody.may_see_row_of(None));
        let leader = asker(Role::Leader, None);
        assert!(leader.check_seat(AgentId(4)).is_ok() && leader.may_see_row_of(None));
    }
}
