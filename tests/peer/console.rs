//! A client of the API, small enough to read: HTTP/1.0 over a socket, a cookie, JSON.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header lines.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// A client with its session.
#[derive(Clone, Debug)]
pub struct Console {
    port: u16,
    cookie: String,
}

impl Console {
    /// A client of the console on this port, not signed in.
    #[must_use]
    pub fn new(port: u16) -> Console {
        Console { port, cookie: String::new() }
    }

    /// Signs in and keeps the session.
    pub fn sign_in(&mut self, name: &str, password: &str) {
        let answer =
            self.ask("POST", "/api/v1/login", &json!({ "name": name, "password": password }));
        assert_eq!(answer.status, 200, "{}", answer.json());
        let cookie = answer.headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.trim().to_owned())
        });
        let cookie = cookie.expect("a session cookie");
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    }

    /// What lies at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, &Value::Null);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.json());
        answer.json()
    }

    /// What lies at `path`, if it can be had.
    #[must_use]
    pub fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self.send("GET", path, "application/json", b"", "")?;
        (answer.status == 200).then(|| answer.json())
    }

    /// Sends `body` to `path`; anything but success fails the test.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask("POST", path, body);
        assert!(
            (200..300).contains(&answer.status),
            "POST {path}: {} {}",
            answer.status,
            answer.json()
        );
        answer.json()
    }

    /// Sends `body` to `path` and gives what comes back, if anybody is there.
    #[must_use]
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.send("POST", path, "application/json", body.to_string().as_bytes(), "")
    }

    /// Sends `body` to `path` and gives whatever comes back.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(method, path, "application/json", &body, "").expect("the console answers")
    }

    /// Uploads a list.
    pub fn upload(&self, campaign: i64, file: &str, csv: &str) -> Value {
        let path = format!("/api/v1/campaigns/{campaign}/leads?file={file}");
        let answer = self.send("POST", &path, "text/csv", csv.as_bytes(), "").expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    /// Bytes at `path`, with an extra header line.
    #[must_use]
    pub fn bytes(&self, path: &str, header: &str) -> Answer {
        self.send("GET", path, "application/json", b"", header).expect("the console answers")
    }

    /// All items of a list, page after page.
    #[must_use]
    pub fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{joint}limit=200{after}"));
            items.extend(page["items"].as_array().expect("items").clone());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
        header: &str,
    ) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let extra = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nCookie: {}\r\nX-Linebox: 1\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n{extra}\r\n",
            self.cookie,
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let headers = String::from_utf8_lossy(answer.get(..end)?).into_owned();
        let status = headers.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, headers, body: answer.get(end + 4..)?.to_vec() })
    }
}
