//! How far the receivers of all organisations together are behind, for whoever watches over the gateway: figures that
//! do not grow with the number of organisations.

use attache_store::{OrgScope, Page, Versioned};

use super::Progress;
use crate::Gateway;
use crate::server::Answer;

/// How many are looked at at once.
const PART: usize = 200;

/// How far they are behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Behind {
    /// How many organisations have a receiver.
    pub(crate) receivers: u64,
    /// To how many of them nothing arrives.
    pub(crate) failing: u64,
    /// How many entries have not arrived, of all organisations.
    pub(crate) entries: u64,
    /// How many have not arrived of the organisation that is furthest behind.
    pub(crate) furthest: u64,
}

/// How far they are behind now.
pub(crate) async fn behind(gateway: &Gateway) -> Answer<Behind> {
    let (mut behind, mut page) = (Behind::default(), Page::first(PART));
    loop {
        let part: Vec<Versioned<Progress>> = gateway.system().list(page).await?;
        for progress in &part {
            let Some(org) = progress.place.org() else { continue };
            let log = gateway.store.org(OrgScope::granted(org)).log().await?;
            let size = log.map_or(0, |head| head.frontier.size());
            let backlog = size.saturating_sub(progress.next);
            behind.receivers += 1;
            behind.failing += u64::from(progress.trouble.is_some());
            behind.entries += backlog;
            behind.furthest = behind.furthest.max(backlog);
        }
        match part.last() {
            Some(last) if part.len() == PART => page = Page::first(PART).beyond(last),
            _ => return Ok(behind),
        }
    }
}
