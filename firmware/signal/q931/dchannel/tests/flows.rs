//! The standard's message flows, both sides ours, as a person reads them in a trace. Each was checked
//! by hand against the figures of annex A and the text of §5; `flows.txt` is what was found right.

use super::pair::{End, Pair};
use super::*;

const GOLDEN: &str = include_str!("flows.txt");

struct Story {
    pair: Pair,
    text: String,
}

impl Story {
    fn begin(title: &str, change: impl Fn(&mut Config)) -> Story {
        Story { pair: Pair::new(1, change), text: format!("# {title}\n") }
    }

    fn act(&mut self, end: End, act: impl FnOnce(&mut DChannel, Tick)) -> &mut Story {
        self.pair.act(end, act);
        self.pair.run(1_000);
        self
    }

    fn end(&mut self) -> String {
        self.pair.run(300_000);
        for end in End::BOTH {
            assert!(self.pair.at(end).snapshot().calls.is_empty(), "{}", self.text);
        }
        for line in &self.pair.ladder {
            self.text.push_str(line);
            self.text.push('\n');
        }
        std::mem::take(&mut self.text)
    }
}

fn user_calls(story: &mut Story) -> &mut Story {
    story
        .act(End::User, |us, now| {
            us.place(now, to("13800138000")).unwrap();
        })
        .act(End::Network, |us, now| us.proceed(now, CallId(1), false))
        .act(End::Network, |us, now| us.alert(now, CallId(1), true))
        .act(End::Network, |us, now| us.answer(now, CallId(1)))
}

fn network_calls(story: &mut Story) -> &mut Story {
    story
        .act(End::Network, |us, now| {
            us.place(now, to("60001234")).unwrap();
        })
        .act(End::User, |us, now| us.proceed(now, CallId(1), false))
        .act(End::User, |us, now| us.alert(now, CallId(1), false))
        .act(End::User, |us, now| us.answer(now, CallId(1)))
}

fn hang_up(story: &mut Story, end: End, cause: Cause) -> &mut Story {
    story.act(end, |us, now| us.hang_up(now, CallId(1), cause))
}

fn flows() -> Vec<String> {
    let whole = |_: &mut Config| {};
    let overlap = |config: &mut Config| config.overlap = true;
    let mut all = Vec::new();

    let mut story = Story::begin("the user calls, the user hangs up", whole);
    hang_up(user_calls(&mut story), End::User, Cause::NormalClearing);
    all.push(story.end());

    let mut story = Story::begin("the network calls, the network hangs up", whole);
    hang_up(network_calls(&mut story), End::Network, Cause::NormalClearing);
    all.push(story.end());

    let mut story = Story::begin("the called user is busy", whole);
    story.act(End::Network, |us, now| {
        us.place(now, to("60001234")).unwrap();
    });
    hang_up(&mut story, End::User, Cause::UserBusy);
    all.push(story.end());

    let mut story = Story::begin("the called number does not exist, with an announcement", whole);
    story
        .act(End::User, |us, now| {
            us.place(now, to("13800138000")).unwrap();
        })
        .act(End::Network, |us, now| {
            us.disconnect_with_tone(now, CallId(1), Cause::UnallocatedNumber);
        });
    hang_up(&mut story, End::User, Cause::NormalClearing);
    all.push(story.end());

    let mut story = Story::begin("the user dials digit by digit", overlap);
    story
        .act(End::User, |us, now| {
            us.place(now, CallSetup { complete: false, ..to("13") }).unwrap();
        })
        .act(End::User, |us, now| us.dial(now, CallId(1), "80", false))
        .act(End::User, |us, now| us.dial(now, CallId(1), "0138000", true))
        .act(End::Network, |us, now| us.proceed(now, CallId(1), false))
        .act(End::Network, |us, now| us.answer(now, CallId(1)));
    hang_up(&mut story, End::Network, Cause::NormalClearing);
    all.push(story.end());

    let mut story = Story::begin("the network sends digits and the user waits in vain", overlap);
    story.act(End::Network, |us, now| {
        us.place(now, CallSetup { complete: false, ..to("6000") }).unwrap();
    });
    all.push(story.end());

    let mut story = Story::begin("nobody answers until T301", whole);
    story
        .act(End::User, |us, now| {
            us.place(now, to("13800138000")).unwrap();
        })
        .act(End::Network, |us, now| us.alert(now, CallId(1), false));
    all.push(story.end());

    let mut story = Story::begin("nobody takes the call until T303", whole);
    story.act(End::User, |us, now| {
        us.place(now, to("13800138000")).unwrap();
    });
    all.push(story.end());

    let mut story = Story::begin("both take channel 31 in the same instant", |config| {
        config.channels = vec![30, 31];
        config.hunt = Hunt::Descending;
    });
    story.pair.act(End::User, |us, now| us.place(now, to("13800138000")).unwrap());
    story
        .act(End::Network, |us, now| {
            us.place(now, to("60001234")).unwrap();
        })
        .act(End::User, |us, now| us.answer(now, CallId(2)))
        .act(End::Network, |us, now| us.answer(now, CallId(2)))
        .act(End::User, |us, now| us.hang_up(now, CallId(2), Cause::NormalClearing));
    hang_up(&mut story, End::User, Cause::NormalClearing);
    all.push(story.end());

    let mut story = Story::begin("both hang up in the same instant", whole);
    user_calls(&mut story);
    story.pair.act(End::User, |us, now| us.hang_up(now, CallId(1), Cause::NormalClearing));
    hang_up(&mut story, End::Network, Cause::UserBusy);
    all.push(story.end());

    let mut story = Story::begin("all channels are restarted at the start", |config| {
        config.restart_at_start = config.role == Role::Network;
    });
    all.push(story.end());

    let mut story = Story::begin("a restart in mid-call", whole);
    user_calls(&mut story).act(End::Network, |us, now| us.restart(now, Some(31)));
    all.push(story.end());

    let mut story = Story::begin("the line is dead for ten seconds in mid-call", whole);
    user_calls(&mut story);
    for end in End::BOTH {
        story.pair.act(end, |us, now| us.handle_layer1(now, false));
    }
    story.pair.run(10_000);
    for end in End::BOTH {
        story.pair.act(end, |us, now| us.handle_layer1(now, true));
    }
    story.pair.run(1_000);
    hang_up(&mut story, End::User, Cause::NormalClearing);
    all.push(story.end());
    all
}

#[test]
fn the_flows_are_as_written() {
    let expected: Vec<&str> = GOLDEN.split_inclusive("\n\n").map(str::trim_end).collect();
    let found = flows();
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found.trim_end(), *expected);
    }

    assert_eq!(found.len(), expected.len());
}
