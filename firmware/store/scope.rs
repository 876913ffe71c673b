//! Who may see which row: the only way from the rest of the store to SQL.
//!
//! The connection is private to this file. Business tables are reached through a [`View`] (reads)
//! or an [`Edit`] (writes), which hold the tenant and bind it; their SQL is a [`TenantSql`], which
//! does not compile unless its text binds `:tenant`. Tables of the box are reached through a
//! [`BoxView`] or [`BoxEdit`], whose [`BoxSql`] does not compile when it names a business table.

use call::{Stamp, TenantId};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Statement, ToSql};

use crate::chain::{self, Event, Head};
use crate::error::{Error, Result};
use crate::job::Actor;
use crate::seal::BoxKey;

/// Named values bound to one statement, `(":name", &value)`.
pub(crate) type Params<'p> = &'p [(&'p str, &'p dyn ToSql)];

/// SQL that binds the tenant, proved when it is compiled. Made by `tenant_sql!`.
#[derive(Clone, Copy)]
pub(crate) struct TenantSql(&'static str);

/// SQL over tables of the box, proved when it is compiled. Made by `box_sql!`.
#[derive(Clone, Copy)]
pub(crate) struct BoxSql(&'static str);

/// Tables whose rows belong to a tenant and are never read without one. Absent on purpose:
/// persons, sessions and api_tokens, by which the tenant of a request is found; accounts, by which
/// the tenant of a phone is found; events, which are one chain.
const BUSINESS: &[&str] = &[
    "agents",
    "destination_rules",
    "tenant_settings",
    "campaigns",
    "dispositions",
    "dnc",
    "lead_batches",
    "import_rows",
    "leads",
    "attempts",
    "calls",
    "recordings",
    "agent_state_log",
    "rollup_campaign_hour",
    "rollup_agent_hour",
    "rollup_agent_calls",
];

impl TenantSql {
    pub(crate) const fn new(text: &'static str) -> TenantSql {
        assert!(has_word(text, ":tenant"), "this SQL does not bind :tenant");
        TenantSql(text)
    }
}

impl BoxSql {
    pub(crate) const fn new(text: &'static str) -> BoxSql {
        let mut i = 0;
        while i < BUSINESS.len() {
            assert!(!has_word(text, BUSINESS[i]), "this SQL names a tenant's table");
            i += 1;
        }
        BoxSql(text)
    }
}

/// Whether `word` stands in `text` between characters that cannot belong to a name.
const fn has_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let mut start = 0;
    while start + word.len() <= text.len() {
        let mut same = 0;
        while same < word.len() && text[start + same] == word[same] {
            same += 1;
        }
        let end = start + word.len();
        let free_before = start == 0 || !is_name(text[start - 1]);
        let free_after = end == text.len() || !is_name(text[end]);
        if same == word.len() && free_before && free_after {
            return true;
        }
        start += 1;
    }
    false
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

macro_rules! tenant_sql {
    ($($text:expr),+ $(,)?) => {
        const { $crate::scope::TenantSql::new(concat!($($text),+)) }
    };
}
macro_rules! box_sql {
    ($($text:expr),+ $(,)?) => {
        const { $crate::scope::BoxSql::new(concat!($($text),+)) }
    };
}
pub(crate) use {box_sql, tenant_sql};

/// A query that grows by filters. It starts from a [`TenantSql`], so it keeps the tenant.
pub(crate) struct Filtered {
    text: String,
    values: Vec<(&'static str, Value)>,
}

impl Filtered {
    pub(crate) fn from(base: TenantSql) -> Filtered {
        Filtered { text: base.0.to_owned(), values: Vec::new() }
    }

    /// Adds ` AND clause` with its one value, when there is one.
    pub(crate) fn and(
        &mut self,
        clause: &'static str,
        name: &'static str,
        value: Option<impl Into<Value>>,
    ) {
        if let Some(value) = value {
            self.text.push_str(" AND ");
            self.text.push_str(clause);
            self.values.push((name, value.into()));
        }
    }

    /// Adds a clause without values.
    pub(crate) fn clause(&mut self, clause: &'static str) {
        self.text.push_str(clause);
    }

    /// Binds one more value.
    pub(crate) fn bind(&mut self, name: &'static str, value: impl Into<Value>) {
        self.values.push((name, value.into()));
    }
}

/// One tenant's rows, to read.
#[derive(Clone, Copy)]
pub struct View<'c> {
    conn: &'c Connection,
    key: &'c BoxKey,
    tenant: TenantId,
}

impl<'c> View<'c> {
    /// The tenant whose rows these are.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub(crate) const fn key(&self) -> &'c BoxKey {
        self.key
    }

    pub(crate) fn rows<T>(
        &self,
        sql: TenantSql,
        params: Params<'_>,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        collect(self.conn, sql.0, Some(self.tenant), params, read)
    }

    pub(crate) fn row<T>(
        &self,
        sql: TenantSql,
        params: Params<'_>,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.rows(sql, params, read)?.into_iter().next())
    }

    pub(crate) fn filtered<T>(
        &self,
        query: &Filtered,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let values: Vec<(&str, &dyn ToSql)> =
            query.values.iter().map(|(name, value)| (*name, value as &dyn ToSql)).collect();
        collect(self.conn, &query.text, Some(self.tenant), &values, read)
    }
}

/// One tenant's rows, to change inside one job. Dereferences to the [`View`].
pub(crate) struct Edit<'c> {
    view: View<'c>,
    log: Log<'c>,
}

impl<'c> core::ops::Deref for Edit<'c> {
    type Target = View<'c>;
    fn deref(&self) -> &View<'c> {
        &self.view
    }
}

impl<'c> Edit<'c> {
    /// When the job happens.
    pub(crate) const fn at(&self) -> Stamp {
        self.log.at
    }

    /// Runs one statement; returns the number of rows changed.
    pub(crate) fn run(&self, sql: TenantSql, params: Params<'_>) -> Result<usize> {
        run(self.view.conn, sql.0, Some(self.view.tenant), params)
    }

    /// Runs one insert; returns the new row's id.
    pub(crate) fn insert(&self, sql: TenantSql, params: Params<'_>) -> Result<i64> {
        self.run(sql, params)?;
        Ok(self.view.conn.last_insert_rowid())
    }

    /// Runs one statement that must change exactly the row `id`.
    pub(crate) fn run_on(
        &self,
        what: &'static str,
        id: i64,
        sql: TenantSql,
        params: Params<'_>,
    ) -> Result<()> {
        match self.run(sql, params)? {
            0 => Err(Error::NotFound { what, id }),
            _ => Ok(()),
        }
    }

    /// Appends an event about this tenant to the chain.
    pub(crate) fn event(&mut self, event: Event<'_>) -> Result<()> {
        self.log.append(self.view.conn, self.view.tenant, event)
    }

    /// Counts the document that switchd is given one up: something in it has changed.
    pub(crate) fn bump_desired(&self) -> Result<()> {
        run(self.view.conn, BUMP_DESIRED, None, &[])?;
        Ok(())
    }

    /// Phone accounts of all tenants that are not removed: the switch has one list of them.
    pub(crate) fn accounts_of_box(&self) -> Result<usize> {
        let sql = "SELECT count(*) FROM accounts WHERE NOT disabled";
        let count: i64 = self.view.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// A statement prepared once for many rows.
    pub(crate) fn prepare(&self, sql: TenantSql) -> Result<Many<'c>> {
        let mut stmt = self.view.conn.prepare_cached(sql.0)?;
        let at = index(&stmt, ":tenant")?;
        stmt.raw_bind_parameter(at, self.view.tenant.0)?;
        Ok(Many(stmt))
    }

    pub(crate) fn last_id(&self) -> i64 {
        self.view.conn.last_insert_rowid()
    }
}

const BUMP_DESIRED: &str = "UPDATE box SET desired_version = desired_version + 1";

/// A statement that is run for many rows; the tenant is already bound.
pub(crate) struct Many<'c>(rusqlite::CachedStatement<'c>);

impl Many<'_> {
    /// The position of a named value.
    pub(crate) fn index(&self, name: &str) -> Result<usize> {
        index(&self.0, name)
    }

    /// The positions of several.
    pub(crate) fn indexes<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N]> {
        let mut at = [0; N];
        for (slot, name) in at.iter_mut().zip(names) {
            *slot = self.index(name)?;
        }
        Ok(at)
    }

    /// Binds a value that is the same for all rows.
    pub(crate) fn bind(&mut self, name: &str, value: &dyn ToSql) -> Result<()> {
        let at = self.index(name)?;
        Ok(self.0.raw_bind_parameter(at, value)?)
    }

    /// Runs it with `values` at these positions; the rest stay as they were.
    pub(crate) fn run(&mut self, values: &[(usize, &dyn ToSql)]) -> Result<usize> {
        for (at, value) in values {
            self.0.raw_bind_parameter(*at, *value)?;
        }
        Ok(self.0.raw_execute()?)
    }

    /// Whether it finds a row.
    pub(crate) fn exists(&mut self, values: &[(usize, &dyn ToSql)]) -> Result<bool> {
        for (at, value) in values {
            self.0.raw_bind_parameter(*at, *value)?;
        }
        Ok(self.0.raw_query().next()?.is_some())
    }
}

/// The tables of the box, to read.
#[derive(Clone, Copy)]
pub struct BoxView<'c> {
    conn: &'c Connection,
    key: &'c BoxKey,
}

impl<'c> BoxView<'c> {
    /// One tenant's rows on the same connection.
    #[must_use]
    pub const fn tenant(&self, tenant: TenantId) -> View<'c> {
        View { conn: self.conn, key: self.key, tenant }
    }

    pub(crate) const fn key(&self) -> &'c BoxKey {
        self.key
    }

    pub(crate) fn rows<T>(
        &self,
        sql: BoxSql,
        params: Params<'_>,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        collect(self.conn, sql.0, None, params, read)
    }

    pub(crate) fn row<T>(
        &self,
        sql: BoxSql,
        params: Params<'_>,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.rows(sql, params, read)?.into_iter().next())
    }
}

/// The tables of the box, to change inside one job. Dereferences to the [`BoxView`].
pub(crate) struct BoxEdit<'c> {
    view: BoxView<'c>,
    log: Log<'c>,
}

impl<'c> core::ops::Deref for BoxEdit<'c> {
    type Target = BoxView<'c>;
    fn deref(&self) -> &BoxView<'c> {
        &self.view
    }
}

impl BoxEdit<'_> {
    pub(crate) const fn at(&self) -> Stamp {
        self.log.at
    }

    pub(crate) fn run(&self, sql: BoxSql, params: Params<'_>) -> Result<usize> {
        run(self.view.conn, sql.0, None, params)
    }

    pub(crate) fn insert(&self, sql: BoxSql, params: Params<'_>) -> Result<i64> {
        self.run(sql, params)?;
        Ok(self.view.conn.last_insert_rowid())
    }

    /// One tenant's rows, inside the same job.
    pub(crate) fn of_tenant(&mut self, tenant: TenantId) -> Edit<'_> {
        let Log { head, box_id, at, actor } = &mut self.log;
        let log = Log { head, box_id, at: *at, actor: *actor };
        Edit { view: self.view.tenant(tenant), log }
    }

    /// Appends an event about the box, or about `tenant` when it is named.
    pub(crate) fn event(&mut self, tenant: Option<TenantId>, event: Event<'_>) -> Result<()> {
        self.log.append(self.view.conn, tenant.unwrap_or_default(), event)
    }

    pub(crate) fn bump_desired(&self) -> Result<()> {
        run(self.view.conn, BUMP_DESIRED, None, &[])?;
        Ok(())
    }
}

/// Where a job's events go.
pub(crate) struct Log<'c> {
    head: &'c mut Head,
    box_id: &'c str,
    at: Stamp,
    actor: Actor,
}

impl<'c> Log<'c> {
    pub(crate) fn new(head: &'c mut Head, box_id: &'c str, at: Stamp, actor: Actor) -> Log<'c> {
        Log { head, box_id, at, actor }
    }

    fn append(&mut self, conn: &Connection, tenant: TenantId, event: Event<'_>) -> Result<()> {
        chain::append(conn, self.head, self.box_id, self.at, self.actor, tenant, event)
    }
}

/// The door for [`crate::Store`] and [`crate::Reader`] alone, which own connections.
pub(crate) fn box_view<'c>(conn: &'c Connection, key: &'c BoxKey) -> BoxView<'c> {
    BoxView { conn, key }
}

pub(crate) fn edit<'c>(view: View<'c>, log: Log<'c>) -> Edit<'c> {
    Edit { view, log }
}

pub(crate) fn box_edit<'c>(view: BoxView<'c>, log: Log<'c>) -> BoxEdit<'c> {
    BoxEdit { view, log }
}

fn bind(stmt: &mut Statement<'_>, tenant: Option<TenantId>, params: Params<'_>) -> Result<()> {
    if let Some(tenant) = tenant {
        let at = index(stmt, ":tenant")?;
        stmt.raw_bind_parameter(at, tenant.0)?;
    }
    for (name, value) in params {
        let at = index(stmt, name)?;
        stmt.raw_bind_parameter(at, *value)?;
    }
    Ok(())
}

fn index(stmt: &Statement<'_>, name: &str) -> Result<usize> {
    stmt.parameter_index(name)?.ok_or_else(|| Error::Bug(format!("the SQL has no {name}")))
}

fn run(
    conn: &Connection,
    sql: &str,
    tenant: Option<TenantId>,
    params: Params<'_>,
) -> Result<usize> {
    let mut stmt = conn.prepare_cached(sql)?;
    bind(&mut stmt, tenant, params)?;
    Ok(stmt.raw_execute()?)
}

fn collect<T>(
    conn: &Connection,
    sql: &str,
    tenant: Option<TenantId>,
    params: Params<'_>,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut stmt = conn.prepare_cached(sql)?;
    bind(&mut stmt, tenant, params)?;
    let mut rows = stmt.raw_query();
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read(row)?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_only_whole() {
        assert!(has_word("WHERE tenant_id = :tenant", ":tenant"));
        assert!(!has_word("WHERE tenant_id = :tenants", ":tenant"));
        assert!(!has_word("SELECT tenant FROM x", ":tenant"));
        assert!(has_word("DELETE FROM leads", "leads"));
        assert!(!has_word("SELECT misleads FROM x", "leads"));
    }

    #[test]
    #[should_panic(expected = "does not bind :tenant")]
    fn tenant_sql_without_its_tenant_is_refused_by_the_compiler() {
        // `tenant_sql!` calls this in a const block, where a panic is an error of the compiler.
        let _ = TenantSql::new("SELECT * FROM leads WHERE id = :id");
    }

    #[test]
    #[should_panic(expected = "names a tenant's table")]
    fn box_sql_over_a_tenants_table_is_refused_by_the_compiler() {
        let _ = BoxSql::new("SELECT t.name FROM tenants t JOIN leads l ON l.tenant_id = t.id");
    }

    #[test]
    fn every_table_with_a_tenant_is_listed_or_left_out_on_purpose() {
        let mut conn = Connection::open_in_memory().unwrap();
        crate::migrate::migrate(&mut conn).unwrap();
        let left_out = [
            "persons",
            "sessions",
            "api_tokens",
            "accounts",
            "events",
            "event_personal",
            "trunk_grants",
            "numbers",
            "alarms",
        ];
        let mut stmt = conn.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'");
        let mut rows = stmt.as_mut().unwrap().query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (name, sql): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let listed = BUSINESS.contains(&name.as_str()) || left_out.contains(&name.as_str());
            assert_eq!(sql.contains("tenant_id"), listed, "{name}");
        }
    }
}
