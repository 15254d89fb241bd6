//! The organisations of a gateway, for those who run it: a part of the list, or those that are looked for.

use attache_store::{OrgId, OrgScope, Page, Place, Versioned};

use super::Organisation;
use crate::Gateway;
use crate::server::{Answer, Cursor, Listed, Problem};

/// How many are read at once.
const PAGE: usize = 200;
/// How many a search finds at most: whoever looks for one writes more of its name.
const MOST: usize = 50;

/// A part of the list, the newest first.
pub(super) async fn every(gateway: &Gateway, cursor: &Cursor) -> Answer<Listed<Versioned<Organisation>>> {
    let mut page = cursor.page()?;
    if let Some(after) = &mut page.after {
        // Each is in a place of its own.
        let id = after.key.parse().map_err(|_| Problem::not_found("organisation"))?;
        after.place = Place::Org(id);
    }
    let rows = gateway.system().list::<Organisation>(page).await?;
    cursor.listed(rows, |row| row.id.to_string(), |row| row)
}

/// Those whose name or short name has this text in it, the newest first; or the one that has this id.
pub(super) async fn search(gateway: &Gateway, sought: &str) -> Answer<Vec<Organisation>> {
    if let Ok(id) = sought.parse::<OrgId>() {
        let found = gateway.store.org(OrgScope::granted(id)).get::<Organisation>(id).await?;
        return Ok(found.map(|found| found.record).into_iter().collect());
    }
    let sought = sought.to_lowercase();
    let fits = |one: &Organisation| one.slug.contains(&sought) || one.name.to_lowercase().contains(&sought);
    let (mut page, mut found) = (Page::newest(PAGE), Vec::new());
    loop {
        let rows: Vec<Versioned<Organisation>> = gateway.system().list(page).await?;
        let Some(last) = rows.last() else { break };
        page = Page::newest(PAGE).beyond(last);
        found.extend(rows.into_iter().map(|row| row.record).filter(fits));
        if found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    Ok(found)
}
