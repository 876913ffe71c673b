//! Campaigns that dial: the facts that `dialer::campaign` decides from, and the way out of a call.

use std::collections::{BTreeMap, BTreeSet};

use call::{AttemptId, CampaignId, Cause, Now, Number, Stamp, TenantId, Tick, TrunkId};
use dialer::campaign::{self, Campaign, Clears, Decision, Leads, Lines, Seats, clock_is_sane};
use dialer::hours::Calendar;
use dialer::route::{self, Denied, NoRoute, Origin};
use link::{Direction, LegRecord, Line, TrunkState};
use store::TenantChange;

use super::view::{Changed, WhyNot};
use super::{Center, Output, Pending, limits};

/// A campaign that is not finished.
pub(super) struct Running {
    pub(super) tenant: TenantId,
    calendar: Calendar,
    /// What is known of its leads; `None`: nothing yet.
    leads: Option<Leads>,
    /// The shell is counting them.
    counting: bool,
    /// When that was last answered: they are counted once in [`limits::CAMPAIGN_LOOK_MS`] at most.
    counted_at: Option<Tick>,
    /// Leads that are being claimed.
    claiming: u32,
    pub(super) why_not: Vec<WhyNot>,
}

impl Running {
    /// `count` leads were to be claimed and `got` were.
    pub(super) fn claimed(&mut self, count: u32, got: usize) {
        self.claiming = self.claiming.saturating_sub(count);
        if got < count as usize {
            self.leads = None;
        }
    }
}

/// The way of a call to the outside.
pub(super) struct Way {
    pub(super) trunk: TrunkId,
    pub(super) caller: Option<Number>,
}

impl Center {
    /// The campaigns of the office; what is known of their leads is counted anew.
    pub(super) fn campaigns_from_office(&mut self) {
        let mut earlier = std::mem::take(&mut self.campaigns);
        for (id, campaign) in &self.office.campaigns {
            // A campaign whose settings are wrong cannot be running; it is shown and not dialled.
            let Ok(calendar) = campaign.settings.check() else { continue };
            let (claiming, counting) = earlier
                .remove(id)
                .map_or((0, false), |running| (running.claiming, running.counting));
            let tenant = campaign.tenant;
            let running = Running {
                tenant,
                calendar,
                leads: None,
                counting,
                counted_at: None,
                claiming,
                why_not: Vec::new(),
            };
            self.campaigns.insert(*id, running);
            self.changed.insert(Changed::Campaign(*id));
        }
        let owned = self.office.trunks.values().flat_map(|trunk| &trunk.trunk.numbers);
        let owned: BTreeSet<&str> = owned.map(String::as_str).collect();
        let campaigns = &self.office.campaigns;
        self.shown.keep(|id| campaigns.contains_key(&id), |number| owned.contains(number.as_str()));
    }

    /// The answer to [`Output::CountLeads`].
    pub fn handle_leads(&mut self, now: Now, campaign: CampaignId, leads: Leads) {
        if let Some(running) = self.campaigns.get_mut(&campaign) {
            running.counting = false;
            running.counted_at = Some(now.tick);
            running.leads = Some(leads);
        }
        self.look_at = now.tick;
        self.settle(now);
    }

    /// Each campaign dials, or says why not.
    pub(super) fn look_at_campaigns(&mut self, now: Now) {
        self.clock_sane = clock_is_sane(now.stamp);
        let all = self.office.campaigns.keys().copied().collect();
        for id in self.turns.order(&all) {
            let why_not = self.look_at_campaign(now, id);
            if let Some(running) = self.campaigns.get_mut(&id)
                && running.why_not != why_not
            {
                running.why_not = why_not;
                self.changed.insert(Changed::Campaign(id));
            }
        }
    }

    fn look_at_campaign(&mut self, now: Now, id: CampaignId) -> Vec<WhyNot> {
        let (Some(row), Some(running)) = (self.office.campaigns.get(&id), self.campaigns.get(&id))
        else {
            return Vec::new();
        };
        if row.state == campaign::State::Running
            && let Some(blocked) = self.blocked_box()
        {
            return vec![blocked];
        }
        let leads =
            running.leads.unwrap_or(Leads { due: 0, next_due: Some(now.stamp), unfinished: 1 });
        let view = campaign::View {
            seats: self.seats_of(row),
            lines: self.lines_of(row),
            leads,
            calls_in_flight: self.calls_in_flight(id) + running.claiming,
        };
        let decision = row.decide(now.stamp, &running.calendar, &view);
        let tenant = row.tenant;
        match decision {
            Decision::Dial { calls } => {
                self.turns.served(id);
                self.claim(now, tenant, id, calls);
                Vec::new()
            }
            Decision::Wait(why) => {
                self.count_if_needed(now, id, why);
                vec![why_not(why)]
            }
        }
    }

    /// What keeps every campaign from dialling, beside their own rules.
    fn blocked_box(&self) -> Option<WhyNot> {
        let blocked = |rule: &str, text: &str| WhyNot {
            rule: rule.to_owned(),
            text: text.to_owned(),
            clears_at: None,
        };
        if !self.switch.is_up() {
            Some(blocked("switch_down", "the switch is restarting"))
        } else if self.outbox.is_full() {
            Some(blocked("disk", "the disk takes nothing now: free space on the data disk"))
        } else {
            None
        }
    }

    fn claim(&mut self, now: Now, tenant: TenantId, campaign: CampaignId, count: u32) {
        if let Some(running) = self.campaigns.get_mut(&campaign) {
            running.claiming += count;
            if let Some(leads) = &mut running.leads {
                leads.due = leads.due.saturating_sub(count);
            }
        }
        let change =
            TenantChange::ClaimLeads { campaign, count: count as usize, epoch: self.epoch };
        let ticket = self.write(now, tenant, change);
        self.pending.insert(ticket, Pending::Claim { campaign, count });
    }

    /// Leads are counted again when what is known of them is used up or out of date.
    fn count_if_needed(&mut self, now: Now, campaign: CampaignId, why: campaign::Why) {
        let stale = match why {
            campaign::Why::Fetching | campaign::Why::AllInFlight | campaign::Why::ListDone => true,
            campaign::Why::NoneDue { next } => next <= now.stamp,
            campaign::Why::ClockNotSane
            | campaign::Why::NotRunning { .. }
            | campaign::Why::OutsideHours { .. }
            | campaign::Why::NobodySignedIn { .. }
            | campaign::Why::AllPaused { .. }
            | campaign::Why::AllBusy { .. }
            | campaign::Why::TrunksDown { .. }
            | campaign::Why::NoLineFree
            | campaign::Why::CallsMax { .. } => false,
        };
        let Some(running) = self.campaigns.get_mut(&campaign) else { return };
        let rested = |at| now.tick >= at + limits::CAMPAIGN_LOOK_MS;
        if stale && !running.counting && running.counted_at.is_none_or(rested) {
            running.counting = true;
            let tenant = running.tenant;
            self.outputs.push_back(Output::CountLeads { tenant, campaign });
        }
    }

    /// The agents of a campaign, less those for whom a lead is being claimed.
    fn seats_of(&self, campaign: &Campaign) -> Seats {
        let agents = campaign.settings.agents.iter().filter_map(|agent| self.seats.get(agent));
        let mut seats = Seats::count(agents.map(|seat| seat.machine.state()));
        let claiming: u32 = self.campaigns.values().map(|running| running.claiming).sum();
        let promised = claiming.min(seats.ready);
        seats.ready -= promised;
        seats.waiting += promised;
        seats
    }

    fn lines_of(&self, campaign: &Campaign) -> Lines {
        let trunks = self.trunks_of(campaign.tenant, &campaign.settings.trunks);
        let up = trunks.iter().filter(|trunk| trunk.up);
        Lines {
            trunks_up: u32::try_from(up.clone().count()).unwrap_or(u32::MAX),
            trunks: u32::try_from(trunks.len()).unwrap_or(u32::MAX),
            free: up.map(|trunk| trunk.channels.saturating_sub(trunk.busy)).sum(),
        }
    }

    fn trunks_of(&self, tenant: TenantId, wanted: &[TrunkId]) -> Vec<route::Trunk> {
        let known = wanted.iter().filter_map(|id| {
            let trunk = self.office.trunks.get(id)?;
            let grant = trunk.grants.get(&tenant)?;
            let on_it = self.attempts.values().filter(|live| live.trunk == Some(*id));
            let mine = on_it.clone().filter(|live| live.tenant == tenant).count();
            let mine = u32::try_from(mine).unwrap_or(u32::MAX);
            // Whoever calls in takes a channel too.
            let in_from =
                |leg: &&LegRecord| leg.direction == Direction::In && leg.line == Line::Trunk(*id);
            let busy = on_it.count() + self.legs.values().filter(in_from).count();
            let busy = u32::try_from(busy).unwrap_or(u32::MAX);
            let state = self.trunks.get(id).map(|(state, _)| *state);
            // What others have on the trunk is none of this tenant's calls.
            let granted = grant.calls_max.saturating_add(busy.saturating_sub(mine));
            Some(route::Trunk {
                id: *id,
                up: state == Some(TrunkState::Up),
                channels: granted.min(u32::from(trunk.trunk.channels_max)),
                busy,
            })
        });
        known.collect()
    }

    fn calls_in_flight(&self, campaign: CampaignId) -> u32 {
        let calls = self.attempts.values().filter(|live| live.campaign == campaign).count();
        u32::try_from(calls).unwrap_or(u32::MAX)
    }

    /// Whether a number may be called, over which trunk, and as whom.
    pub(super) fn way_out(
        &self,
        campaign: CampaignId,
        tenant: TenantId,
        number: &Number,
    ) -> Result<Way, Cause> {
        let settings = &self.office.campaigns.get(&campaign).ok_or(Cause::NoRoute)?.settings;
        let nothing_more = route::Destinations::default();
        let allowed = self.office.destinations.get(&tenant).unwrap_or(&nothing_more);
        let class = self.office.plan.class(number);
        allowed.permit(Origin::Machine, class, number).map_err(|denied: Denied| {
            let _ = denied;
            Cause::Forbidden
        })?;
        let trunks = self.trunks_of(tenant, &settings.trunks);
        let trunk = route::choose(settings.trunk_rule, &trunks).map_err(|none| match none {
            NoRoute::Denied(_) => Cause::Forbidden,
            NoRoute::NoTrunk => Cause::NoRoute,
            NoRoute::AllDown => Cause::NetworkOutOfOrder,
            NoRoute::AllBusy => Cause::NoCircuit,
        })?;
        let caller = self.caller_shown(campaign, tenant, trunk)?;
        Ok(Way { trunk, caller })
    }

    /// The campaign's number whose turn it is, else the grant's, else the first that may be shown.
    /// A trunk with numbers, none of which the tenant may show, carries no call for them: whatever
    /// went out would show somebody else's.
    fn caller_shown(
        &self,
        campaign: CampaignId,
        tenant: TenantId,
        trunk: TrunkId,
    ) -> Result<Option<Number>, Cause> {
        let trunk = self.office.trunks.get(&trunk).ok_or(Cause::NoRoute)?;
        let settings = &self.office.campaigns.get(&campaign).ok_or(Cause::NoRoute)?.settings;
        let may_show = self.office.numbers_to_show(tenant, trunk);
        let mut wanted = settings.callers.clone();
        wanted.retain(|number| may_show.contains(number));
        let wanted = self.shown.next(settings.caller_rule, campaign, &wanted);
        let granted = trunk.grants.get(&tenant).and_then(|grant| grant.caller_id.as_deref());
        let granted = may_show.iter().find(|number| Some(number.as_str()) == granted);
        let caller = wanted.or(granted).or(may_show.first()).cloned();
        if caller.is_none() && !trunk.trunk.numbers.is_empty() {
            return Err(Cause::Forbidden);
        }
        Ok(caller)
    }

    pub(super) fn tenant_of_line(&self, line: link::Line) -> Option<TenantId> {
        match line {
            link::Line::Account(account) => self.office.phones.get(&account).map(|p| p.tenant),
            link::Line::Trunk(trunk) => {
                self.office.trunks.get(&trunk).and_then(|t| t.grants.keys().next().copied())
            }
        }
    }
}

fn why_not(why: campaign::Why) -> WhyNot {
    let clears_at: Option<Stamp> = match why.clears() {
        Clears::At(at) => Some(at),
        Clears::Soon | Clears::CallEnds | Clears::AgentReady | Clears::TrunkUp | Clears::Person => {
            None
        }
    };
    // The word is the tag under which the rule is serialised, so that it is named in one place.
    let rule =
        serde_json::to_value(why).ok().and_then(|v| Some(v.get("rule")?.as_str()?.to_owned()));
    WhyNot { rule: rule.unwrap_or_default(), text: why.to_string(), clears_at }
}

/// The last talk of an agent: what a disposition is about.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) attempt: AttemptId,
    pub(super) campaign: CampaignId,
    pub(super) lead: call::LeadId,
    pub(super) number: Number,
}

/// Talks by agent.
pub(super) type Talks = BTreeMap<call::AgentId, Talk>;

#[cfg(test)]
mod tests {
    use super::super::Beginning;
    use super::super::office::{Grant, Office, Trunk};
    use super::super::outbox::Ticket;
    use super::super::request::{Answer, Asked, Refused, Request};
    use super::*;
    use dialer::caller::Rule;
    use dialer::campaign::{Settings, State};
    use dialer::outcome::{DispositionSet, Language};
    use link::{ChannelGroup, Hunt};
    use store::numbers::OwnNumber;

    const MINE: TenantId = TenantId(1);
    const NOW: Now = Now { tick: Tick(0), stamp: Stamp(1_795_158_000_000) };

    fn number(last: u8) -> Number {
        format!("+86106300000{last}").parse().unwrap()
    }

    /// A trunk with numbers 0 to 3, of which the odd ones are granted to us.
    fn center(callers: &[u8], rule: Rule) -> Center {
        let mut office = Office::default();
        for last in 0..4 {
            let own = OwnNumber {
                id: i64::from(last),
                number: number(last).as_str().to_owned(),
                trunk: TrunkId(1),
                tenant: Some(if last % 2 == 1 { MINE } else { TenantId(2) }),
                route: serde_json::json!({ "to": "announcement" }),
                note: String::new(),
            };
            office.numbers.insert(own.number.clone(), own);
        }
        let groups = vec![ChannelGroup { span: call::SpanId(1), slots: vec![1] }];
        let trunk = link::Trunk {
            id: TrunkId(1),
            name: "e1".into(),
            way: link::Way::Channels { groups, hunt: Hunt::Ascending },
            numbers: office.numbers.keys().cloned().collect(),
            channels_max: 30,
        };
        let grant = Grant { calls_max: 30, caller_id: Some(number(0).as_str().to_owned()) };
        let grants = [(MINE, grant.clone()), (TenantId(3), grant)].into();
        office.trunks.insert(TrunkId(1), Trunk { trunk, grants });
        for (id, tenant) in [(1, MINE), (3, TenantId(3))] {
            let settings = Settings {
                trunks: vec![TrunkId(1)],
                callers: callers.iter().map(|last| number(*last)).collect(),
                caller_rule: rule,
                ..Settings::new("x", DispositionSet::built_in(Language::En))
            };
            let (id, state, since) = (CampaignId(id), State::Running, NOW.stamp);
            office.campaigns.insert(id, Campaign { id, tenant, settings, state, since });
        }
        let mut center =
            Center::new(NOW, call::Epoch(1), Beginning { office, ..Beginning::default() });
        center.trunks.insert(TrunkId(1), (TrunkState::Up, String::new()));
        center
    }

    fn shown(center: &mut Center, campaign: i64, tenant: TenantId) -> Result<Number, Cause> {
        let (id, called) = (CampaignId(campaign), "+8613800001000".parse().unwrap());
        let way = center.way_out(id, tenant, &called)?;
        let caller = way.caller.ok_or(Cause::NoRoute)?;
        center.shown.shown(id, &caller);
        Ok(caller)
    }

    #[test]
    fn only_numbers_that_are_granted_are_shown_and_they_take_turns() {
        let mut center = center(&[0, 1, 2, 3], Rule::InTurn);
        let seen: Vec<Number> = (0..4).map(|_| shown(&mut center, 1, MINE).unwrap()).collect();
        assert_eq!(seen, [1, 3, 1, 3].map(number));
    }

    #[test]
    fn the_least_used_number_is_shown() {
        let mut center = center(&[1, 3], Rule::LeastUsed);
        for _ in 0..5 {
            center.shown.shown(CampaignId(9), &number(1));
        }
        let seen: Vec<Number> = (0..3).map(|_| shown(&mut center, 1, MINE).unwrap()).collect();
        assert_eq!(seen, [3, 3, 3].map(number));
    }

    /// Answers so far, jobs for the disk, and whether rows are to be loaded.
    fn drained(center: &mut Center) -> (Vec<(u64, Answer)>, Vec<Ticket>, bool) {
        let (mut answers, mut jobs, mut loads) = (Vec::new(), Vec::new(), false);
        while let Some(output) = center.poll() {
            match output {
                Output::Answer { id, answer } => answers.push((id, answer)),
                Output::Write(ticket, _) => jobs.push(ticket),
                Output::Load => loads = true,
                Output::Link(_) | Output::CheckPin { .. } | Output::CountLeads { .. } => {}
            }
        }
        (answers, jobs, loads)
    }

    #[test]
    fn what_a_person_asks_is_answered_when_it_is_on_disk_and_a_full_disk_is_said_at_once() {
        let mut center = center(&[], Rule::InTurn);
        drained(&mut center);
        let pause = |id| {
            let request =
                Request::Campaign { campaign: CampaignId(1), order: campaign::Order::Pause };
            Asked { id, actor: store::Actor::Box, request }
        };
        center.handle_request(NOW, pause(7));
        let (answers, jobs, _) = drained(&mut center);
        assert!(answers.is_empty(), "it is not on disk");
        let ticket = *jobs.last().unwrap();
        center.handle_written(NOW, ticket, &Err(store::Error::DiskFull));
        assert_eq!(drained(&mut center).0, [(7, Err(Refused::DiskFull))]);
        // Done when there is room: the rows are loaded, and nobody is told twice.
        center.handle_written(NOW, ticket, &Ok(store::Applied::Done));
        let (answers, _, loads) = drained(&mut center);
        assert!(answers.is_empty() && loads);
        // What an agent has said of a talk is told as kept when it is, and as not kept when not.
        for result in [Ok(store::Applied::Done), Err(store::Error::NotAllowed("late".into()))] {
            let ticket = center.outbox.put(store::Job::of_box(
                NOW.stamp,
                store::Actor::Box,
                store::BoxChange::PruneSessions,
            ));
            center.pending.insert(ticket, Pending::Told(8));
            assert!(drained(&mut center).0.is_empty());
            center.handle_written(NOW, ticket, &result);
            let answer = result.map(drop).map_err(|e| Refused::NotKept(e.to_string()));
            assert_eq!(drained(&mut center).0, [(8, answer)]);
        }
    }

    #[test]
    fn a_grant_counts_the_tenants_own_calls_and_the_trunk_counts_all() {
        let mut center = center(&[], Rule::InTurn);
        if let Some(trunk) = center.office.trunks.get_mut(&TrunkId(1)) {
            trunk.trunk.channels_max = 4;
            trunk.grants.get_mut(&MINE).unwrap().calls_max = 2;
        }
        let calls = |center: &mut Center, tenant: TenantId, of: core::ops::Range<i64>| {
            for id in of {
                let attempt = dialer::attempt::Attempt {
                    id: AttemptId(id),
                    tenant,
                    campaign: CampaignId(1),
                    lead: call::LeadId(id),
                    number: number(0),
                    trunk: Some(TrunkId(1)),
                    caller: None,
                    leg: None,
                    agent: None,
                    recording: None,
                    times: dialer::attempt::Times::default(),
                    end: None,
                };
                center.attempts.insert(attempt.id, super::super::attempts::Live::of(&attempt));
            }
        };
        let free = |center: &Center| {
            let trunks = center.trunks_of(MINE, &[TrunkId(1)]);
            trunks[0].channels.saturating_sub(trunks[0].busy)
        };
        assert_eq!(free(&center), 2);
        // Another's two calls take nothing of the grant, and leave two channels.
        calls(&mut center, TenantId(2), 1..3);
        assert_eq!(free(&center), 2);
        calls(&mut center, MINE, 3..4);
        assert_eq!(free(&center), 1);
        // Somebody who calls in takes the last channel.
        let leg = call::LegId(9);
        let line = Line::Trunk(TrunkId(1));
        let record = LegRecord::new(leg, call::LegTag(0), line, Direction::In, NOW.stamp);
        center.legs.insert(leg, record);
        assert_eq!(free(&center), 0);
    }

    #[test]
    fn without_a_choice_the_first_granted_number_is_shown_and_never_a_foreign_one() {
        // The grant names number 0, which is somebody else's now.
        let mut center = center(&[], Rule::InTurn);
        assert_eq!(shown(&mut center, 1, MINE), Ok(number(1)));
        assert_eq!(shown(&mut center, 3, TenantId(3)), Err(Cause::Forbidden));
    }
}
