//! Shifts as conversations, then every order of inputs.

use super::*;
use proptest::prelude::*;

const A: AttemptId = AttemptId(1);
const O: OfferId = OfferId(1);

/// An agent and a clock, so that a test reads as a shift.
struct Shift {
    agent: Agent,
    now: Tick,
}

impl Shift {
    fn new(policy: Policy) -> Shift {
        Shift { agent: Agent::new(Tick(0), AgentId(1), policy), now: Tick(0) }
    }

    fn ready(policy: Policy) -> Shift {
        let mut shift = Shift::new(policy);
        shift.phone(PhoneFact::Registered);
        shift.orders(Order::SignIn);
        shift.orders(Order::Ready);
        if policy.reach == Reach::NailedUp {
            shift.phone(PhoneFact::SeatUp);
        }
        assert_eq!(shift.agent.state(), State::Ready);
        shift
    }

    fn talking(policy: Policy) -> Shift {
        let mut shift = Shift::ready(policy);
        shift.call(CallFact::Reserve { offer: O, attempt: A });
        if policy.reach == Reach::PerCall {
            shift.phone(PhoneFact::SeatUp);
        }
        shift.call(CallFact::Joined { attempt: A });
        assert_eq!(shift.agent.state(), State::Talking { attempt: A });
        shift
    }

    /// The effects since the last look, without the changes of state.
    fn effects(&mut self) -> Vec<Output> {
        let all = core::iter::from_fn(|| self.agent.poll());
        all.filter(|o| !matches!(o, Output::StateChanged { .. })).collect()
    }

    fn orders(&mut self, order: Order) -> Vec<Output> {
        self.agent.handle_order(self.now, order).unwrap();
        self.effects()
    }

    fn phone(&mut self, fact: PhoneFact) -> Vec<Output> {
        self.agent.handle_phone(self.now, fact);
        self.effects()
    }

    fn call(&mut self, fact: CallFact) -> Vec<Output> {
        self.agent.handle_call(self.now, fact).unwrap();
        self.effects()
    }

    /// Lets the running timer run out.
    fn waits(&mut self) -> Vec<Output> {
        self.now = self.agent.next_timeout().unwrap().0;
        self.agent.handle_timeout(self.now);
        self.effects()
    }

    fn paused(&self) -> Option<Pause> {
        match self.agent.state() {
            State::Paused { reason } => Some(reason),
            _ => None,
        }
    }
}

fn per_call() -> Policy {
    Policy { reach: Reach::PerCall, ..Policy::default() }
}

#[test]
fn a_nailed_up_shift_calls_the_phone_once_and_beeps_when_it_is_ready() {
    let mut shift = Shift::new(Policy::default());
    shift.phone(PhoneFact::Registered);
    shift.orders(Order::SignIn);
    assert_eq!(shift.paused(), Some(Pause::SignedIn));
    assert_eq!(shift.orders(Order::Ready), [Output::CallSeat]);
    assert_eq!(shift.phone(PhoneFact::SeatUp), [Output::Beep]);
    let offered = shift.call(CallFact::Reserve { offer: O, attempt: A });
    assert_eq!(offered, [Output::OfferSeat { offer: O, attempt: A }]);
    assert_eq!(shift.call(CallFact::Joined { attempt: A }), []);
    assert_eq!(shift.call(CallFact::Over { attempt: A }), []);
    assert_eq!(shift.agent.state(), State::WrapUp { attempt: A });
    let done = shift.call(CallFact::Disposed { attempt: A });
    assert_eq!(done, [Output::WrapUpOver { attempt: A, disposed: true }, Output::Beep]);
    assert_eq!(shift.agent.state(), State::Ready);
}

#[test]
fn ring_per_call_offers_the_seat_only_when_the_agent_has_answered() {
    let mut shift = Shift::ready(per_call());
    assert_eq!(shift.call(CallFact::Reserve { offer: O, attempt: A }), [Output::CallSeat]);
    let answered = shift.phone(PhoneFact::SeatUp);
    assert_eq!(answered, [Output::OfferSeat { offer: O, attempt: A }]);
    shift.call(CallFact::Joined { attempt: A });
    assert_eq!(shift.call(CallFact::Over { attempt: A }), [Output::HangUpSeat]);
}

#[test]
fn an_agent_who_misses_three_offers_in_a_row_is_paused() {
    let mut shift = Shift::ready(per_call());
    for _ in 0..3 {
        assert_eq!(shift.agent.state(), State::Ready);
        shift.call(CallFact::Reserve { offer: O, attempt: A });
        assert_eq!(shift.waits(), [Output::HangUpSeat, Output::Missed { attempt: A }]);
    }
    assert_eq!(shift.paused(), Some(Pause::Missed));
}

#[test]
fn a_seat_is_not_ready_the_moment_its_phone_hangs_up_or_is_gone() {
    let mut shift = Shift::ready(Policy::default());
    shift.phone(PhoneFact::SeatDown);
    assert_eq!(shift.paused(), Some(Pause::HungUp));
    let mut shift = Shift::ready(Policy::default());
    shift.phone(PhoneFact::Gone);
    assert_eq!(shift.paused(), Some(Pause::PhoneGone));
    let refused = shift.agent.handle_order(shift.now, Order::Ready);
    assert_eq!(refused, Err(Refused::PhoneGone));
}

#[test]
fn a_promised_seat_is_freed_only_when_the_withdrawal_is_confirmed() {
    let mut shift = Shift::ready(Policy::default());
    shift.call(CallFact::Reserve { offer: O, attempt: A });
    let withdrawn = shift.orders(Order::Pause(Pause::Asked(2)));
    assert_eq!(withdrawn, [Output::WithdrawSeat { offer: O }]);
    assert_eq!(shift.waits(), [Output::WithdrawSeat { offer: O }]);
    shift.call(CallFact::Withdrawn { offer: O });
    assert_eq!(shift.paused(), Some(Pause::Asked(2)));
}

#[test]
fn a_join_that_wins_against_the_withdrawal_is_a_talk_and_the_pause_comes_after_it() {
    let mut shift = Shift::ready(Policy::default());
    shift.call(CallFact::Reserve { offer: O, attempt: A });
    shift.orders(Order::Pause(Pause::Asked(0)));
    shift.call(CallFact::Joined { attempt: A });
    assert_eq!(
        shift.agent.handle_call(shift.now, CallFact::Withdrawn { offer: O }),
        Err(Refused::Stale)
    );
    shift.call(CallFact::Over { attempt: A });
    shift.call(CallFact::Disposed { attempt: A });
    assert_eq!(shift.paused(), Some(Pause::Asked(0)));
}

#[test]
fn a_promise_that_nobody_ends_is_withdrawn_and_at_last_given_up() {
    let mut shift = Shift::ready(Policy::default());
    shift.call(CallFact::Reserve { offer: O, attempt: A });
    for _ in 0..limits::WITHDRAWALS_MAX {
        assert_eq!(shift.waits(), [Output::WithdrawSeat { offer: O }]);
    }
    shift.waits();
    assert_eq!(shift.paused(), Some(Pause::NotConfirmed));
}

#[test]
fn a_phone_hung_up_to_end_the_call_is_called_again_after_wrap_up() {
    let mut shift = Shift::talking(Policy::default());
    shift.phone(PhoneFact::SeatDown);
    assert_eq!(shift.agent.state(), State::WrapUp { attempt: A });
    let done = shift.call(CallFact::Disposed { attempt: A });
    assert_eq!(done, [Output::WrapUpOver { attempt: A, disposed: true }, Output::CallSeat]);
    shift.waits();
    assert_eq!(shift.paused(), Some(Pause::NoAnswer));
}

#[test]
fn wrap_up_that_runs_out_makes_ready_or_pauses_as_the_policy_says() {
    let mut shift = Shift::talking(Policy::default());
    shift.call(CallFact::Over { attempt: A });
    shift.waits();
    assert_eq!(shift.agent.state(), State::Ready);
    assert_eq!(shift.now, Tick(limits::WRAP_UP_MS));
    let mut shift = Shift::talking(Policy { pause_after_wrap_up: true, ..Policy::default() });
    shift.call(CallFact::Over { attempt: A });
    shift.waits();
    assert_eq!(shift.paused(), Some(Pause::WrapUpExpired));
}

#[test]
fn a_sign_out_during_a_talk_waits_for_its_end_and_then_hangs_up_the_seat() {
    let mut shift = Shift::talking(Policy::default());
    shift.orders(Order::SignOut);
    shift.phone(PhoneFact::Gone);
    assert_eq!(shift.agent.state(), State::Talking { attempt: A });
    shift.call(CallFact::Over { attempt: A });
    let out = shift.waits();
    assert_eq!(out, [Output::WrapUpOver { attempt: A, disposed: false }, Output::HangUpSeat]);
    assert_eq!(shift.agent.state(), State::SignedOut);
}

#[test]
fn after_a_restart_of_centerd_a_talk_is_adopted_and_the_shift_goes_on() {
    let mut shift = Shift::new(Policy::default());
    shift.agent = Agent::restarted(Tick(0), AgentId(1), Policy::default());
    shift.phone(PhoneFact::Registered);
    shift.phone(PhoneFact::SeatUp);
    shift.call(CallFact::Joined { attempt: A });
    shift.orders(Order::Ready);
    shift.call(CallFact::Over { attempt: A });
    shift.call(CallFact::Disposed { attempt: A });
    assert_eq!(shift.agent.state(), State::Ready);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Order(Order),
    Phone(PhoneFact),
    Call(CallFact),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let orders = vec![
        Order::SignIn,
        Order::Ready,
        Order::Ready,
        Order::SignOut,
        Order::Pause(Pause::Asked(1)),
        Order::Pause(Pause::Ordered),
    ];
    let facts = vec![
        PhoneFact::Registered,
        PhoneFact::Registered,
        PhoneFact::Gone,
        PhoneFact::SeatUp,
        PhoneFact::SeatUp,
        PhoneFact::SeatDown,
    ];
    let call = (0u8..9, 1i64..4).prop_map(|(which, id)| {
        let (offer, attempt) = (OfferId(id), AttemptId(id));
        match which {
            0..=2 => CallFact::Reserve { offer, attempt },
            3 => CallFact::Withdrawn { offer },
            4 => CallFact::Joined { attempt },
            5 => CallFact::Held { attempt },
            6 => CallFact::Unheld { attempt },
            7 => CallFact::Over { attempt },
            _ => CallFact::Disposed { attempt },
        }
    });
    prop_oneof![
        2 => prop::sample::select(orders).prop_map(Step::Order),
        2 => prop::sample::select(facts).prop_map(Step::Phone),
        4 => call.prop_map(Step::Call),
        1 => (0u64..130_000).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_order_of_inputs_makes_a_seat_ready_that_is_not_or_puts_an_agent_on_two_calls(
        nailed_up in any::<bool>(),
        pause_after_wrap_up in any::<bool>(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let reach = if nailed_up { Reach::NailedUp } else { Reach::PerCall };
        let policy = Policy { reach, pause_after_wrap_up, ..Policy::default() };
        let mut agent = Agent::new(Tick(0), AgentId(1), policy);
        let mut now = Tick(0);
        let mut accounted_ms = 0;
        let mut offered: Option<OfferId> = None;
        for step in steps {
            let before = agent.snapshot();
            let refused = match step {
                Step::Order(order) => agent.handle_order(now, order).is_err(),
                Step::Phone(fact) => {
                    agent.handle_phone(now, fact);
                    false
                }
                Step::Call(fact) => agent.handle_call(now, fact).is_err(),
                Step::Wait(ms) => {
                    now = now.after_ms(ms);
                    agent.handle_timeout(now);
                    false
                }
            };
            while let Some(output) = agent.poll() {
                prop_assert!(!refused, "a refusal did {output:?}");
                match output {
                    Output::StateChanged { from, to, lasted_ms } => {
                        prop_assert_ne!(from, to);
                        accounted_ms += lasted_ms;
                    }
                    Output::OfferSeat { offer, .. } => {
                        prop_assert!(agent.snapshot().seat_up || reach == Reach::PerCall);
                        offered = Some(offer);
                    }
                    Output::WithdrawSeat { offer } => prop_assert_eq!(Some(offer), offered),
                    _ => {}
                }
            }
            let after = agent.snapshot();
            prop_assert_eq!(accounted_ms, after.since.0, "agent seconds are conserved");
            if let (State::Talking { attempt: a } | State::Holding { attempt: a },
                    State::Talking { attempt: b } | State::Holding { attempt: b }) =
                (before.state, after.state)
            {
                prop_assert_eq!(a, b, "from one call into another");
            }
            if after.state == State::Ready {
                prop_assert!(after.registered, "ready without a phone");
                prop_assert!(!nailed_up || after.seat_up, "ready without a leg");
                prop_assert_eq!(after.next, Next::Ready);
            }
            let transient = match after.state {
                State::Reserved { .. } | State::Ringing { .. } | State::WrapUp { .. } => true,
                State::SignedOut | State::Ready | State::Talking { .. }
                | State::Holding { .. } | State::Paused { .. } => false,
            };
            prop_assert_eq!(after.timer.is_some(), transient, "{:?}", after);
        }
        // Left alone, every transient state ends.
        for _ in 0..limits::WITHDRAWALS_MAX + 5 {
            let Some((at, _)) = agent.next_timeout() else { break };
            now = now.max(at);
            agent.handle_timeout(now);
            while agent.poll().is_some() {}
        }
        prop_assert_eq!(agent.next_timeout(), None);
    }
}
