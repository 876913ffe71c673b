//! Models that are right and models that are not.

use super::*;
use crate::town::{
    Bad, Chances, Dead, DeadBy, DeadSays, Form, Habit, Numbers, Outage, Plan, Press,
};
use call::Cause;

fn read(text: &str, sets: &[&str]) -> Result<Config, ConfigError> {
    let sets: Vec<String> = sets.iter().map(|&s| s.to_owned()).collect();
    Config::parse("m.toml", text, &sets)
}

fn refused(text: &str) -> String {
    read(text, &[]).unwrap_err().to_string()
}

#[test]
fn the_demo_model_is_a_town_of_three_agents() {
    let setup = demo(&[]).setup;
    assert_eq!(setup.carrier, "127.0.0.1:5070".parse().unwrap());
    assert_eq!(setup.linebox, "127.0.0.1:5060".parse().unwrap());
    assert_eq!((setup.rtp_first, setup.rtp_ports), (11_000, 500));
    let accounts: Vec<&str> = setup.phones.iter().map(|p| p.account.as_str()).collect();
    assert_eq!(accounts, ["8001", "8002", "8003"]);
    assert_eq!(setup.phones[2].address.port(), 5073);
    assert_eq!(setup.phones[0].habit, Habit::Works);
    assert_eq!(setup.trunks[0].username, "linebox");
    let subscriber = &setup.subscribers[0];
    let chances = Chances {
        answer: 0.6,
        busy: 0.1,
        refuse: 0.05,
        unallocated: 0.05,
        machine: 0.05,
        congested: 0.0,
    };
    assert_eq!(subscriber.chances, chances);
    assert_eq!(subscriber.ring_ms, (2_000, 12_000));
}

#[test]
fn a_set_wins_over_the_file_and_plain_text_needs_no_quotes() {
    let text = "[town]\nsip = 5070\nrtp = \"11000-11999\"\n";
    let sets = ["town.sip=15070", "ports.sip=15060", "town.rtp=12000-12009", "town.scale=2"];
    let setup = read(text, &sets).unwrap().setup;
    assert_eq!((setup.carrier.port(), setup.linebox.port()), (15_070, 15_060));
    assert_eq!((setup.rtp_first, setup.rtp_ports), (12_000, 5));
    assert_eq!(setup.scale.to_bits(), 2.0f64.to_bits());
    let wrong = read("", &["town"]).unwrap_err().to_string();
    assert!(wrong.starts_with("--set town:"), "{wrong}");
}

#[test]
fn the_town_stays_on_loopback_wherever_the_box_listens() {
    let setup = read("[ports]\nlisten = \"0.0.0.0\"\n", &[]).unwrap().setup;
    assert_eq!(setup.carrier.ip().to_string(), "127.0.0.1");
    assert_eq!(setup.linebox.ip().to_string(), "127.0.0.1");
    let setup = read("[ports]\nlisten = \"192.0.2.7\"\n", &[]).unwrap().setup;
    assert_eq!(setup.carrier.ip().to_string(), "127.0.0.1");
    assert_eq!(setup.linebox.ip().to_string(), "192.0.2.7");
}

#[test]
fn a_wrong_value_is_refused_with_line_field_reason_and_advice() {
    let said = refused("[town]\nseed = 7\nsip = 70000\n");
    assert_eq!(said, "m.toml:3: town.sip: 70000 is outside 1 to 65535; nearest valid: 65535");
    let said = refused("[town]\nscale = \"fast\"\n");
    assert_eq!(said, "m.toml:2: town.scale: is not a number; such as: 1");
    let said = refused("[town]\nrtp = \"11001-11999\"\n");
    assert!(said.starts_with("m.toml:2: town.rtp: must begin with an even port"), "{said}");
    let said = refused("[box]\nlanguage = \"fr\"\n");
    assert!(said.contains("m.toml:2: box.language: is none of zh, en"), "{said}");
    let said = refused("[town\n");
    assert!(said.starts_with("m.toml:1: "), "{said}");
    let said = read("", &["town.sip=x"]).unwrap_err().to_string();
    assert!(said.starts_with("--set: town.sip: is not a whole number"), "{said}");
}

const SUBSCRIBER: &str = "[[town.subscriber]]\nnumbers = \"+86138\"\n";

#[test]
fn entries_of_lists_are_checked_each_with_its_line() {
    let said = refused(&format!("{SUBSCRIBER}answer = 0.7\nbusy = 0.4\n"));
    let expected = "m.toml:1: town.subscriber[0]: the chances add up to 1.1; lower them: \
                    together they are at most 1";
    assert_eq!(said, expected);
    let said = refused(&format!("{SUBSCRIBER}ring_ms = [5000, 2000]\n"));
    assert!(said.starts_with("m.toml:3: town.subscriber[0].ring_ms: the first"), "{said}");
    let said = refused(&format!("{SUBSCRIBER}anwser = 0.7\n"));
    let expected = "m.toml:3: town.subscriber[0].anwser: no such key; nearest: answer";
    assert_eq!(said, expected);
    let said = refused("[[town.subscriber]]\nanswer = 1.0\n");
    assert!(said.contains("m.toml:1: town.subscriber[0].numbers: is missing"), "{said}");
    let said = refused("[[town.subscriber]]\nnumbers = \"abc\"\n");
    assert!(said.contains("m.toml:2: town.subscriber[0].numbers"), "{said}");
    let said = refused("[town]\nsubscriber = 7\n");
    assert!(said.contains("m.toml:2: town.subscriber: "), "{said}");
}

const PHONE: &str = "[[town.phone]]\naccount = \"8001\"\nsecret = \"s\"\nagent = \"801\"\n";

#[test]
fn phones_are_checked_for_what_can_be_keyed_and_for_doubles() {
    let said = refused(PHONE);
    assert!(said.contains("town.phone[0].pin: is missing"), "{said}");
    let said = refused(&format!("{PHONE}pin = \"47a1\"\n"));
    assert!(said.contains("m.toml:5: town.phone[0].pin: "), "{said}");
    let two = format!("{PHONE}pin = \"1\"\n{PHONE}pin = \"2\"\n");
    let said = refused(&two);
    assert!(said.contains("m.toml:7: town.phone[1].account: 8001 is there twice"), "{said}");
    let high = format!("[town]\nsip = 65535\n{PHONE}pin = \"1\"\n");
    let said = refused(&high);
    assert!(said.contains("town.sip"), "{said}");
}

#[test]
fn a_trunk_that_registers_needs_a_password() {
    let text = "[[town.trunk]]\nname = \"t\"\nhost = \"127.0.0.1\"\nport = 5070\n\
                register = true\nusername = \"u\"\ncaller_id = \"+86\"\n";
    let said = refused(text);
    assert!(said.contains("town.trunk[0].secret: is missing"), "{said}");
    let setup = read(&format!("{text}secret = \"s\"\n"), &[]).unwrap().setup;
    assert!(setup.trunks[0].register);
}

fn demo(sets: &[&str]) -> Config {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/demo.toml");
    let people = concat!("town.people=", env!("CARGO_MANIFEST_DIR"), "/people/cn.toml");
    let sets: Vec<String> = [people].iter().chain(sets).map(|&s| s.to_owned()).collect();
    Config::load(&model, &sets).unwrap()
}

#[test]
fn the_demo_town_has_a_thousand_people_with_numbers_of_their_own_and_one_span() {
    let setup = demo(&[]).setup;
    let own = setup
        .subscribers
        .iter()
        .filter(|s| matches!(&s.numbers, Numbers::Prefix(digits) if digits.len() == 13));
    assert!(own.count() >= 1_000);
    assert_eq!(setup.subscribers[0].numbers, Numbers::Prefix("861380000".to_owned()));
    let [span] = &setup.spans[..] else { panic!("{:?}", setup.spans) };
    assert_eq!((span.attach.as_str(), span.channels.len(), span.fcs), ("run/span1", 30, false));
    let numbers = Numbers::Range { first: 861_062_010_000, last: 861_062_010_049, digits: 12 };
    assert_eq!(span.numbers, [numbers]);
    assert_eq!(setup.bad, Bad::NONE);
    assert_eq!(setup.tones, Nation::China);
    let mean = |hour: usize| {
        let sum: f64 = setup.subscribers.iter().map(|s| s.chances_at(hour).answer).sum();
        sum / setup.subscribers.len() as f64
    };
    assert!(mean(3) + 0.2 < mean(19), "{} {}", mean(3), mean(19));
    assert!(mean(3) > 0.25, "a demo is shown at night too");
}

#[test]
fn ten_thousand_entries_are_read_and_one_more_is_refused() {
    let text = |count: u64| {
        let mut text = "[[kind]]\nname = \"k\"\nanswer = 0.5\nhours = [[9, 18, 0.9]]\n".to_owned();
        for n in 0..count {
            text += &format!(
                "[[subscriber]]\nnumbers = \"+{}\"\nkind = \"k\"\nring_ms = [1000, 2000]\n",
                8_613_800_000_000 + n
            );
        }
        text
    };
    let many = text(10_000);
    assert!((many.len() as u64) < crate::limits::PEOPLE_BYTES_MAX);
    let people = people_of(&many).unwrap();
    assert_eq!(people.len(), 10_000);
    let answer = (people[9_999].chances_at(9).answer, people[9_999].chances_at(8).answer);
    assert_eq!(answer, (0.9, 0.5));
    let said = people_of(&text(10_001)).unwrap_err().to_string();
    assert_eq!(
        said,
        "p.toml:40005: subscriber[10000]: more than 10000 entries; describe ranges, not single \
         numbers"
    );
}

/// What a file of people says.
fn people_of(text: &str) -> Result<Vec<Subscriber>, ConfigError> {
    let parsed = reader::parse("p.toml", text)?;
    people::of_file(&Reader::new("p.toml", text, parsed.get_ref(), &[])?)
}

#[test]
fn what_people_are_like_comes_from_their_kind_and_from_themselves() {
    let text = "[[kind]]\nname = \"k\"\nanswer = 0.5\nmachine = 0.2\nstays = 0.3\n\
                [[subscriber]]\nnumbers = \"+8610-19\"\nkind = \"k\"\nmachine = 0.4\n\
                keys = [[100, \"1\"], [200, \"2#\"]]\ncause = 22\ndead_by = \"disconnect\"\n\
                dead_says = \"tone\"\ncolour_ring = true\n";
    let [one] = &people_of(text).unwrap()[..] else { panic!() };
    assert_eq!(one.numbers, Numbers::Range { first: 8_610, last: 8_619, digits: 4 });
    assert_eq!((one.chances.answer, one.chances.machine, one.stays), (0.5, 0.4, 0.3));
    assert!(one.colour_ring);
    assert_eq!(one.keys[1], Press { after_ms: 200, keys: "2#".to_owned() });
    let (by, says) = (DeadBy::Disconnect, DeadSays::Tone);
    assert_eq!(one.dead, Dead { cause: Cause::NumberChanged, by, says });
}

#[test]
fn wrong_people_are_refused_with_line_field_reason_and_what_would_be_right() {
    let own = |fields: &str| {
        let text = format!("[[subscriber]]\nnumbers = \"+86138\"\n{fields}\n");
        people_of(&text).unwrap_err().to_string()
    };
    let field = "p.toml:3: subscriber[0].";
    for (fields, said) in [
        ("answer = 1.5", "answer: 1.5 is no part of 1; nearest valid: 1"),
        ("answer = [0.5, 0.5]", "answer: has 2 values; write 24, or one for all"),
        ("kind = \"k\"", "kind: there is no kind \"k\"; describe it with [[kind]] first"),
        ("cause = 23", "cause: 23 is no cause that is told here (Q.850); nearest valid: 22"),
        ("cause = 500", "cause: 500 is outside 1 to 127; nearest valid: 127"),
        (
            "dead_by = \"disconect\"",
            "dead_by: is none of progress, disconnect; nearest valid: \"disconnect\"",
        ),
        ("ring_ms = [9, 1]", "ring_ms: the first is above the second; nearest valid: [1, 9]"),
        ("talks_ms = [1, 9]", "talks_ms: no such key; nearest: talk_ms"),
        ("stays = true", "stays: is no part of 1; write a number from 0 to 1"),
    ] {
        assert_eq!(own(fields), format!("{field}{said}"));
    }
    assert!(own("hours = [[9, 25, 0.5]]").starts_with("p.toml:3: subscriber[0].hours: 9 to 25"));
    assert!(own("hours = [[9, 12]]").contains("is not three values a row"));
    assert!(own("keys = [[5, \"a\"]]").contains("is not a time and keys"));
    assert!(own("keys = [[5, \"1\"], [4, \"2\"]]").contains("in order of time"));
    let night = own("busy = 0.5\nhours = [[3, 5, 0.6]]");
    assert!(night.contains("the chances at 3 o'clock add up to 1.1; lower them"), "{night}");
    let numbers = |numbers: &str| {
        people_of(&format!("[[subscriber]]\nnumbers = \"{numbers}\"\n")).unwrap_err().to_string()
    };
    assert_eq!(
        numbers("+8613-12"),
        "p.toml:2: subscriber[0].numbers: the first number is above the last, +8612; nearest \
         valid: \"+8612-+8613\""
    );
    assert!(numbers("+86-x").contains("write + and the first digits, or FIRST-LAST"));
    let said = people_of("[[kind]]\nname = \"a\"\nanswer = 2\n").unwrap_err().to_string();
    assert_eq!(said, "p.toml:3: kind[0].answer: 2 is no part of 1; nearest valid: 1");
    let said = people_of("[[person]]\n").unwrap_err().to_string();
    assert!(said.contains("person: no such key"), "{said}");
}

const PLUGGED: &str = "[[span]]\nattach = \"run/a\"\nfcs = true\nchannels = \"1-3,17\"\n";

#[test]
fn a_span_is_plugged_into_one_of_the_box_s() {
    let text = format!(
        "{PLUGGED}[box]\ncountry = \"FR\"\n[[town.span]]\nattach = \"run/a\"\noverlap = true\n\
         tones = false\ngives = \"local\"\narea = \"1\"\nnumbers = [\"+33140000000-99\"]\n"
    );
    let setup = read(&text, &[]).unwrap().setup;
    let span = &setup.spans[0];
    assert_eq!((span.fcs, span.overlap, span.tells), (true, true, false));
    assert_eq!(span.channels, [1, 2, 3, 17]);
    let country_code = "33".to_owned();
    let plan = Plan { country_code, area: "1".to_owned(), digits: Some(11), gives: Form::Local };
    assert_eq!(span.plan, plan);
    assert_eq!(setup.tones, Nation::Europe);
    let said = refused(&format!("{PLUGGED}[[town.span]]\nattach = \"run/b\"\n"));
    assert_eq!(
        said,
        "m.toml:6: town.span[0].attach: no [[span]] of the box is attached there; nearest valid: \
         \"run/a\""
    );
    let twice = "[[town.span]]\nattach = \"run/a\"\n".repeat(2);
    let said = refused(&format!("{PLUGGED}{twice}"));
    assert!(said.contains("m.toml:8: town.span[1].attach: \"run/a\" is there twice"), "{said}");
    let said = refused(&format!("{PLUGGED}[[town.span]]\nattach = \"run/a\"\ndigits = 99\n"));
    assert!(said.ends_with("digits: 99 is outside 1 to 15; nearest valid: 15"), "{said}");
    let five: String = (0..5).map(|n| format!("[[town.span]]\nattach = \"run/{n}\"\n")).collect();
    assert!(refused(&five).contains("more than 4 spans"));
}

#[test]
fn a_bad_exchange_is_asked_for_by_file_or_on_the_command_line() {
    let text = "[town.bad]\nlose = 0.1\nlink_down = [60000, 5000]\n";
    let bad = read(text, &["town.bad.glare=0.5", "town.bad.lose=0.2"]).unwrap().setup.bad;
    let link_down = Outage { every_ms: 60_000, for_ms: 5_000 };
    assert_eq!(bad, Bad { lose: 0.2, glare: 0.5, link_down, ..Bad::NONE });
    let said = refused("[town.bad]\nloose = 0.1\n");
    assert_eq!(said, "m.toml:2: town.bad.loose: no such key; nearest: lose");
    let said = refused("[town.bad]\nstuck = 7\n");
    assert_eq!(said, "m.toml:2: town.bad.stuck: 7 is no part of 1; nearest valid: 1");
    let said = read("", &["town.bad.echo=2"]).unwrap_err().to_string();
    assert_eq!(said, "--set: town.bad.echo: 2 is no part of 1; nearest valid: 1");
    let said = read("", &["town.bad.eco=1"]).unwrap_err().to_string();
    assert_eq!(said, "--set: town.bad.eco: no such key; nearest: echo");
}

#[test]
fn a_file_that_is_not_there_and_a_zone_that_is_none_are_told() {
    let said = refused("[town]\npeople = \"nobody.toml\"\n");
    assert!(said.starts_with("m.toml:2: town.people: nobody.toml: "), "{said}");
    let said = refused("[box]\ntimezone = \"Asia/Nowhere\"\n");
    assert!(said.starts_with("m.toml:2: box.timezone: \"Asia/Nowhere\" is no time zone"), "{said}");
}
