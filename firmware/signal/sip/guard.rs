//! Who is an account: digest challenges for REGISTER and INVITE (RFC 3261 §22), with nonces and
//! lock-outs behind them.
//!
//! An unknown user and a wrong password get the same answer in the same time: nobody learns here
//! which accounts exist.

use std::collections::BTreeMap;
use std::net::IpAddr;

use call::{AccountId, Tick};

use super::digest::{Algorithm, Challenge, Credentials, Ha1};
use super::lockout::{Lock, Lockout};
use super::nonce::{Nonces, Worth};
use super::token::Tokens;
use super::wire::{HeaderName, Request, Response, StatusCode, Uri};

/// A phone's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its user name, in the address of record and in the digest.
    pub user: String,
    /// MD5 of user, realm and password.
    pub ha1: Ha1,
}

impl Account {
    /// An account whose password is known in the clear.
    #[must_use]
    pub fn with_password(id: AccountId, user: &str, realm: &str, password: &str) -> Account {
        let ha1 = Ha1::new(Algorithm::Md5, user, realm, password);
        Account { id, user: user.to_owned(), ha1 }
    }
}

/// What a request's credentials are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are this account's.
    Is(AccountId),
    /// Ask (again). `wrong` tells a wrong password or an unknown user from a first try.
    Ask {
        /// Only the nonce is unusable; the password was right.
        stale: bool,
        /// The credentials were wrong.
        wrong: bool,
        /// A nonce count came a second time.
        replayed: bool,
    },
    /// Failed too often; not even looked at.
    Locked,
}

/// The accounts and the memory of who failed.
#[derive(Clone, Debug)]
pub struct Guard {
    realm: String,
    accounts: BTreeMap<String, Account>,
    /// Against which an unknown user's answer is reckoned, so that it takes as long.
    nobody: Ha1,
    nonces: Nonces,
    lockout: Lockout,
}

impl Guard {
    /// A guard without accounts.
    #[must_use]
    pub fn new(realm: &str, mut tokens: Tokens) -> Guard {
        let nobody = Ha1::new(Algorithm::Md5, "", realm, &tokens.word());
        Guard {
            realm: realm.to_owned(),
            accounts: BTreeMap::new(),
            nobody,
            nonces: Nonces::new(tokens.fork("nonce")),
            lockout: Lockout::default(),
        }
    }

    /// Replaces the accounts. What is known of failures and nonces stays.
    pub fn set_accounts(&mut self, accounts: impl IntoIterator<Item = Account>) {
        self.accounts = accounts.into_iter().map(|a| (a.user.clone(), a)).collect();
    }

    /// The account of this user name.
    #[must_use]
    pub fn account(&self, user: &str) -> Option<&Account> {
        self.accounts.get(user)
    }

    /// Whether there is any account at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Judges the credentials of a request from `source`; `settled` says that a phone is
    /// registered from there. Also tells the lock that closes by it.
    pub fn judge(
        &mut self,
        now: Tick,
        source: IpAddr,
        settled: bool,
        request: &Request,
    ) -> (Verdict, Option<Lock>) {
        let ours =
            |value: &str| Credentials::parse(value).ok().filter(|given| given.realm == self.realm);
        let Some(given) = request.headers.all(&HeaderName::Authorization).find_map(ours) else {
            let locked = self.lockout.is_locked(now, "", source, settled);
            return (if locked { Verdict::Locked } else { ask(false) }, None);
        };
        if self.lockout.is_locked(now, &given.username, source, settled) {
            return (Verdict::Locked, None);
        }
        let account = self.accounts.get(&given.username);
        let ha1 = account.map_or(&self.nobody, |account| &account.ha1);
        let right = given.verify(ha1, &request.method) && means(&given.uri, &request.uri);
        let Some(id) = account.map(|account| account.id).filter(|_| right) else {
            let lock = self.lockout.failed(now, &given.username, source);
            let verdict = Verdict::Ask { stale: false, wrong: true, replayed: false };
            return (if lock.is_some() { Verdict::Locked } else { verdict }, lock);
        };
        let count = given.counted.as_ref().map(|counted| counted.nc);
        let verdict = match self.nonces.judge(now, &given.nonce, count) {
            Worth::Good => {
                self.nonces.use_up(now, &given.nonce, count);
                self.lockout.succeeded(&given.username, source);
                Verdict::Is(id)
            }
            // The password is right; the phone need not ask its user.
            Worth::Stale | Worth::Foreign => ask(true),
            Worth::Replayed => Verdict::Ask { stale: true, wrong: false, replayed: true },
        };
        (verdict, None)
    }

    /// The 401 with a fresh challenge.
    pub fn challenge(&mut self, now: Tick, request: &Request, stale: bool) -> Response {
        let challenge = Challenge {
            realm: self.realm.clone(),
            nonce: self.nonces.make(now),
            opaque: None,
            algorithm: Algorithm::Md5,
            qop_auth: true,
            stale,
        };
        let mut response = Response::to_request(request, StatusCode::UNAUTHORIZED);
        response.headers.push(HeaderName::WwwAuthenticate, challenge);
        response
    }
}

const fn ask(stale: bool) -> Verdict {
    Verdict::Ask { stale, wrong: false, replayed: false }
}

/// Whether the hashed URI means whom the request asks for. Proxies may change how it is written,
/// but not the number: otherwise an overheard answer would pay for any call.
fn means(hashed: &str, asked: &Uri) -> bool {
    Uri::parse(hashed).is_ok_and(|hashed| hashed.dialled() == asked.dialled())
}
