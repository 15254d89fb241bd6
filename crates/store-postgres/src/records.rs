//! Records, read and swept.

use attache_store::{ListQuery, Lookups, Order, Place, Row, StoreError, Within};
use jiff::Timestamp;
use uuid::Uuid;

use crate::connections::{Connections, Param};
use crate::values::{can_be_kept, limit, number, read, read_number, time};

/// What lookups that are unique everywhere are unique in; no place has this id.
pub(crate) const EVERYWHERE: Uuid = Uuid::max();

impl Connections {
    pub(crate) async fn record(
        &self,
        kind: &str,
        place: Place,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        if !can_be_kept(key) {
            return Ok(None);
        }
        let sql = "SELECT place, key, version, body FROM records WHERE kind = $1 AND place = $2 AND key = $3";
        one(self.ask("reading a record", sql, &[&kind, &place.uuid(), &key]).await?)
    }

    pub(crate) async fn found(&self, lookup: Lookups<'_>) -> Result<Option<Row>, StoreError> {
        let Lookups { kind, within, name, value } = lookup;
        if !can_be_kept(value) {
            return Ok(None);
        }
        let sql = "SELECT place, key, version, body FROM lookups JOIN records USING (kind, place, key)
                   WHERE kind = $1 AND name = $2 AND value = $3 AND only_in = ANY($4)
                     AND ($5::uuid IS NULL OR place = $5)";
        let place = only(within);
        let only_in: Vec<Uuid> = place.into_iter().chain([EVERYWHERE]).collect();
        one(self.ask("finding a record", sql, &[&kind, &name, &value, &only_in, &place]).await?)
    }

    pub(crate) async fn listed(&self, query: ListQuery<'_>) -> Result<Vec<Row>, StoreError> {
        let ListQuery { kind, within, lookup, page } = query;
        let (name, value) = lookup.unwrap_or(("", ""));
        if !can_be_kept(value) {
            return Ok(Vec::new());
        }
        let (place, most) = (only(within), limit(page.limit));
        let after_place = page.after.as_ref().map(|after| match within {
            Within::Place(place) => place.uuid(),
            Within::Anywhere => after.place.uuid(),
        });
        let after_key = page.after.map(|after| after.key);
        let (way, beyond) = match page.order {
            Order::Ascending => ("ASC", '>'),
            Order::Descending => ("DESC", '<'),
        };
        let mut params: Vec<Param<'_>> = vec![&kind, &most];
        let mut sql = String::from("SELECT place, key, version, body FROM records ");
        if lookup.is_some() {
            params.extend([&name as Param<'_>, &value]);
            sql.push_str(
                "JOIN lookups USING (kind, place, key) WHERE kind = $1 AND name = $3 AND value = $4",
            );
        } else {
            sql.push_str("WHERE kind = $1");
        }
        if let Some(place) = &place {
            params.push(place);
            sql.push_str(&format!(" AND place = ${}", params.len()));
        }
        if let (Some(place), Some(key)) = (&after_place, &after_key) {
            params.extend([place as Param<'_>, key]);
            sql.push_str(&format!(" AND (place, key) {beyond} (${}, ${})", params.len() - 1, params.len()));
        }
        sql.push_str(&format!(" ORDER BY place {way}, key {way} LIMIT $2"));
        self.ask("listing records", &sql, &params).await?.iter().map(row).collect()
    }

    pub(crate) async fn counted(
        &self,
        kind: &str,
        within: Within,
        lookup: Option<(&str, &str)>,
    ) -> Result<u64, StoreError> {
        let place = only(within);
        let rows = match lookup {
            Some((_, value)) if !can_be_kept(value) => return Ok(0),
            Some((name, value)) => {
                let sql = "SELECT count(*) AS n FROM lookups WHERE kind = $1 AND name = $2 AND value = $3
                           AND ($4::uuid IS NULL OR place = $4)";
                self.ask("counting records", sql, &[&kind, &name, &value, &place]).await?
            }
            None => {
                let sql =
                    "SELECT count(*) AS n FROM records WHERE kind = $1 AND ($2::uuid IS NULL OR place = $2)";
                self.ask("counting records", sql, &[&kind, &place]).await?
            }
        };
        rows.first().map_or(Ok(0), |row| read_number(row, "n", "count"))
    }

    pub(crate) async fn swept(&self, now: Timestamp, most: usize) -> Result<u64, StoreError> {
        let sql = "
            WITH due AS (
                SELECT kind, place, key FROM records WHERE expires < $1
                ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
            ), gone AS (
                DELETE FROM records r USING due d
                WHERE r.kind = d.kind AND r.place = d.place AND r.key = d.key RETURNING 1
            ), forgotten AS (
                DELETE FROM lookups l USING due d WHERE l.kind = d.kind AND l.place = d.place AND l.key = d.key
            )
            SELECT count(*) AS n FROM gone";
        let rows = self.once("sweeping records", sql, &[&time(now), &limit(most)]).await?;
        rows.first().map_or(Ok(0), |row| read_number(row, "n", "count"))
    }
}

fn only(within: Within) -> Option<Uuid> {
    match within {
        Within::Place(place) => Some(place.uuid()),
        Within::Anywhere => None,
    }
}

fn one(rows: Vec<tokio_postgres::Row>) -> Result<Option<Row>, StoreError> {
    rows.first().map(row).transpose()
}

fn row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    Ok(Row {
        place: Place::from_uuid(read(row, "place", "record")?),
        key: read(row, "key", "record")?,
        version: read_number(row, "version", "record")?,
        body: read(row, "body", "record")?,
    })
}

/// A version as the database has it.
pub(crate) fn version(version: u64) -> i64 {
    number(version)
}
