//! Every bound and every policy number of pacing, each with its unit and its reason.

/// Seats of one campaign. Above it a day is refused by name (`Refused::TooManySeats`).
pub const SEATS_MAX: usize = 512;
/// Attempts remembered at once, resolved ones that wait behind an older one included. 400 lines
/// that each end within a minute stay far below it; when it is full, nothing is dialled.
pub const ATTEMPTS_MAX: usize = 4096;
/// Dials that one decision may ask for: a whole floor logging on is spread over a few seconds.
pub const DIALS_MAX: usize = 64;
/// Width of the exact distribution of free agents minus answers. Eight standard deviations of a
/// floor of 100 agents and 400 lines are under 160.
pub const BALANCE_WIDTH: usize = 256;
/// Mass at the ends of a distribution that is dropped (into the next cell): far below any cap.
pub const BALANCE_TRIM: f64 = 1e-8;

/// Horizons at which a candidate dial is judged: quantiles of its own answer delay.
pub const HORIZONS: usize = 6;

/// Bins of the ringing laws and their width, seconds: 64 s, longer than any network rings.
pub const RING_BINS: usize = 256;
/// Width of a ringing bin, seconds.
pub const RING_BIN_S: f64 = 0.25;
/// Bins of the talk law, one second each: half an hour; longer calls share the last one.
pub const TALK_BINS: usize = 1800;
/// Bins of the wrap-up law, one second each.
pub const WRAP_BINS: usize = 600;
/// Bins of the pause law, two seconds each: an hour.
pub const PAUSE_BINS: usize = 1800;
/// Width of a pause bin, seconds.
pub const PAUSE_BIN_S: f64 = 2.0;
/// Observations after which a law forgets half of what it knows: some days of a small team, an
/// hour of a big one.
pub const LAW_MEMORY: f64 = 6000.0;

/// Slots of a day that are learned apart (10 minutes each, 24 hours).
pub const SLOTS: usize = 144;
/// Length of a slot, seconds.
pub const SLOT_S: f64 = 600.0;

/// Seconds between two rebuilds of the tables that depend on learned laws only.
pub const TABLES_EVERY_S: f64 = 60.0;

/// Campaigns that may share agents and lines: one bit each in a set.
pub const CAMPAIGNS_MAX: usize = 64;
/// Seconds over which risk grows to full after a change to predictive: two ring times, so that
/// the first answers are seen before the bold dials.
pub const RAMP_S: f64 = 60.0;
/// Dials per second that are added in each second of a ramp.
pub const RAMP_DIALS_PER_S: f64 = 0.5;
/// Shortest ringing before a call may be given up, seconds (16 CFR 310.4(b)(4)(ii)).
pub const RING_FLOOR_S: f64 = 15.0;

/// The cap beside which a cap of zero is told its cost: the highest that the law of the US and of
/// Britain ever allowed.
pub const USUAL_CAP: f64 = 0.03;
/// No dial may have a higher chance to find nobody once it is answered, whatever the budget.
pub const RISK_MAX: f64 = 0.25;
/// Highest chance, at any horizon, that more answers than the budget has left find nobody.
pub const CLUSTER_RISK_MAX: f64 = 0.02;
/// Memory of today's hit rate, seconds: a drift of a fifth over a day against a few hundred
/// attempts.
pub const HIT_MEMORY_S: f64 = 1200.0;
/// Window that notices a sudden change of the hit rate, seconds.
pub const ALARM_S: f64 = 90.0;
/// Standard deviations at which that window is believed: one false alarm in some days.
pub const ALARM_DEVIATIONS: f64 = 4.0;
