//! Organisations provisioned against a sandbox without lag or throttling, beside the rate at which the requests that
//! provisioning makes can be made bare in the same run: recorded from one provisioning, sent again with other names
//! and ids, as many at once, by the same HTTP client. In the end it looks at all that the tenant holds: nothing twice, nothing
//! orphaned.
//!
//! A tenant has at most 5,000 domains, and each organisation one of its own, so that they are spread over tenants,
//! each with a gateway of its own, one after the other. Tenant, gateway and load are one process on two threads.

mod processor;
mod proof;
mod recorder;
mod script;
mod world;

use std::time::{Duration, Instant};

use world::World;

/// The share of the bare rate that provisioning is to reach.
const BOUND: f64 = 0.5;

/// How many there are unless somebody says otherwise.
pub(crate) const ORGANISATIONS: usize = 10_000;

/// How many in one tenant, and in one round; bare requests are measured before each round in the same tenant, for it
/// grows.
const IN_TENANT: usize = 2_500;
const IN_ROUND: usize = 500;

/// Identities whose requests are made bare each time: as many as fit below one blueprint.
const BARE: usize = 160;

/// How many identities are provisioned at once.
const AT_ONCE: usize = 16;

/// What was measured of some.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    identities: usize,
    requests: usize,
    took: Duration,
    /// Of all processors together.
    busy: Duration,
}

impl Measured {
    /// Does that, and measures it; it says how many requests it made.
    async fn of(
        identities: usize,
        work: impl Future<Output = anyhow::Result<usize>>,
    ) -> anyhow::Result<Self> {
        let (started, before) = (Instant::now(), processor::had());
        let requests = work.await?;
        let busy = processor::had().saturating_sub(before);
        Ok(Self { identities, requests, took: started.elapsed(), busy })
    }

    fn add(&mut self, more: Self) {
        self.identities += more.identities;
        self.requests += more.requests;
        self.took += more.took;
        self.busy += more.busy;
    }

    fn rate(&self) -> f64 {
        self.identities as f64 / self.took.as_secs_f64()
    }

    fn busy_each(&self) -> f64 {
        self.busy.as_secs_f64() * 1_000.0 / self.identities as f64
    }

    fn requests_each(&self) -> f64 {
        self.requests as f64 / self.identities as f64
    }
}

/// Prints both rates and their ratio.
pub(crate) async fn run(organisations: usize) -> anyhow::Result<()> {
    let (mut ours, mut bare, mut left) = (Measured::default(), Measured::default(), organisations);
    while left > 0 {
        let here = left.min(IN_TENANT);
        tenant(here, &mut ours, &mut bare).await?;
        left -= here;
    }
    crate::print(format_args!(
        "provisioning, {} organisations    {:.1} /s, {:.1} requests each; the {:.1} requests of one made bare, {AT_ONCE} at \
         once: {:.1} /s; ratio {:.2} (to reach: {BOUND}); the processors' time for each {:.1} ms and {:.1} ms; nothing doubled",
        ours.identities,
        ours.rate(),
        ours.requests_each(),
        bare.requests_each(),
        bare.rate(),
        ours.rate() / bare.rate(),
        ours.busy_each(),
        bare.busy_each(),
    ));
    Ok(())
}

async fn tenant(organisations: usize, ours: &mut Measured, bare: &mut Measured) -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut done = 0;
    while done < organisations {
        let script = world.recorded().await?;
        let restore = world.snapshot().await?;
        let identities = BARE.min(organisations);
        let bare_now = Measured::of(identities, async {
            script.play(&world, identities, AT_ONCE).await?;
            Ok(script.len() * identities)
        });
        let bare_now = bare_now.await?;
        world.restore(&restore).await?;

        let slugs: Vec<String> = (done..organisations.min(done + IN_ROUND)).map(world::slug).collect();
        world.organisations(&slugs).await?;
        let ours_now = Measured::of(slugs.len(), async {
            let before = world.requests();
            world.provision(&slugs, AT_ONCE).await?;
            Ok(world.requests() - before)
        });
        let ours_now = ours_now.await?;
        done += slugs.len();
        crate::print(format_args!(
            "provisioning, {:5} organisations, tenant of {done:4}    {:.1} /s; bare {:.1} /s; \
             the processors' time for each {:.1} ms and {:.1} ms",
            ours.identities + ours_now.identities,
            ours_now.rate(),
            bare_now.rate(),
            ours_now.busy_each(),
            bare_now.busy_each(),
        ));
        bare.add(bare_now);
        ours.add(ours_now);
    }
    world.prove(organisations).await?;
    world.stop().await;
    Ok(())
}
