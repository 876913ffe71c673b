//! How calls over a span begin: a customer calls the box, the box calls a customer.

use std::collections::VecDeque;

use call::{Cause, Tick};
use signal::q931::dchannel::{CallId, CallSetup, ChannelWish, Refused};
use signal::q931::wire::{NumberType, Party};

use super::super::customer::Customer;
use super::super::directory::Length;
use super::super::output::{Citizen, Sight};
use super::super::subscriber::{Numbers, plain};
use super::super::talk::Talk;
use super::super::{Around, Dialling, OrderError};
use super::live::Live;
use super::mischief::Fault;
use super::plug::Plug;

/// From digit to digit of a number that is given digit by digit, in milliseconds.
const DIGIT_MS: u64 = 300;
/// So many digits come one by one; the others stand in the SETUP.
const LATE_DIGITS: usize = 4;

impl Plug {
    /// Somebody of the town calls the box on this very channel.
    pub(super) fn meet(&mut self, now: Tick, around: &mut Around<'_>, channel: u8) {
        let Some(called) = self.span.numbers.first().map(Numbers::first) else { return };
        let Some(caller) = around.directory.somebody(self.mischief.chance(), self.span.plan.digits)
        else {
            return;
        };
        if self.has_number(&caller) {
            return;
        }
        let wish = ChannelWish::Preferred(channel);
        if self.place(now, around, &caller, Dialling::to(&called), wish).is_ok() {
            around.gate.tell(now, &self.who, Sight::Misbehaved(Fault::Glare { channel }));
        }
    }

    pub(super) fn place(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
        dialling: Dialling,
        channel: ChannelWish,
    ) -> Result<(), OrderError> {
        let plan = &self.span.plan;
        let mut called = plan.called(plain(&dialling.called));
        let mut late = VecDeque::new();
        if dialling.overlap.unwrap_or(self.span.overlap) {
            let early = called.digits.len().saturating_sub(LATE_DIGITS);
            late = called.digits.split_off(early).chars().collect();
        }
        let setup = CallSetup {
            called: Some(called.clone()),
            calling: Some(plan.calling(plain(number), dialling.withheld)),
            redirecting: dialling.redirected.as_ref().map(|from| plan.redirecting(plain(from))),
            display: dialling.display.clone(),
            channel,
            complete: late.is_empty(),
            inband: false,
        };
        let call = self.link.place(now, setup).map_err(|refused| match refused {
            Refused::LinkDown => OrderError::NoWay,
            Refused::ChannelTaken(_) | Refused::NoChannel | Refused::Full => OrderError::NoPort,
        })?;
        let who = Citizen::Customer(plain(number).to_owned());
        around.gate.tell(now, &who, Sight::Dialled(dialling.called));
        let person = around.directory.draw(around.setup, now, number);
        let customer = Customer::calling(around.setup, person, self.manner);
        let late_at = (!late.is_empty()).then(|| now + DIGIT_MS);
        let talk = Some(Talk::new(who, customer));
        let live = Live { ours: true, late, late_at, ..Live::new(talk, called) };
        self.calls.insert(call, live);
        Ok(())
    }

    /// Gives the next digits of a number that are due.
    pub(super) fn dial_on(&mut self, now: Tick, call: CallId) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        while live.late_at.take_if(|at| *at <= now).is_some() {
            let Some(digit) = live.late.pop_front() else { return };
            let complete = live.late.is_empty();
            live.late_at = (!complete).then(|| now + DIGIT_MS);
            self.link.dial(now, call, digit.encode_utf8(&mut [0; 4]), complete);
        }
    }

    /// The box calls somebody.
    pub(super) fn come(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        (call, channel, reference): (CallId, u8, Option<u16>),
        setup: CallSetup,
    ) {
        if self.leaving {
            return self.link.hang_up(now, call, Cause::NetworkOutOfOrder);
        }
        let called = setup.called.unwrap_or(Party::new(NumberType::Unknown, ""));
        let caller = setup.calling.map(|party| self.span.plan.full(&party));
        let flaws = self.mischief.draw();
        let live =
            Live { caller, flaws, reference, slot: Some(channel), ..Live::new(None, called) };
        self.calls.insert(call, live);
        self.look_up(now, around, call, setup.complete || !self.span.overlap);
    }

    /// Looks the number up, once it is whole. `complete`: nothing more will come.
    pub(super) fn look_up(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        call: CallId,
        complete: bool,
    ) {
        let Some(live) = self.calls.get_mut(&call).filter(|live| live.talk.is_none()) else {
            return;
        };
        let number = self.span.plan.full(&live.called);
        match around.directory.length(&number, self.span.plan.digits) {
            Length::Short | Length::Open if !complete => return,
            Length::Short if live.called.digits.is_empty() => {
                return self.link.hang_up(now, call, Cause::InvalidNumber);
            }
            Length::Short | Length::Open | Length::Whole => {}
        }
        let who = Citizen::Customer(number.clone());
        let person = around.directory.draw(around.setup, now, &number);
        let rung = Sight::Rung { caller: live.caller.clone(), lot: person.lot };
        around.gate.tell(now, &who, rung);
        let flaws = live.flaws;
        for (is, fault) in [
            (flaws.no_alerting, Fault::NoAlerting),
            (flaws.never_alerting, Fault::NeverAlerting),
            (flaws.deaf, Fault::Deaf),
            (flaws.mute, Fault::Mute),
            (flaws.echo, Fault::Echo),
            (flaws.stuck, Fault::Stuck),
        ] {
            if is {
                around.gate.tell(now, &who, Sight::Misbehaved(fault));
            }
        }
        if let Some(reference) = live.reference.filter(|_| flaws.stuck) {
            self.mischief.gag(reference, live.slot);
        }
        let customer = Customer::called(now, around.setup, person, self.manner);
        live.talk = Some(Talk::new(who, customer));
        if let Some(slot) = live.slot {
            live.open(around.gate, self.index, slot);
        }
        self.link.proceed(now, call, false);
    }
}
