//! Where `attache sandbox` and `attache try` do not start.

use anyhow::{Result, ensure};
use attache_tests::{Home, Tenant};

use super::run;

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said_to_be_so() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::new()?;
    let port = tenant.url().rsplit(':').next().unwrap_or_default();
    let address = format!("127.0.0.1:{port}");
    for command in ["sandbox", "try"] {
        let ended = run(&home, &[command, "--listen", &address]).await?;
        let said = format!("{:?}", ended.said);
        ensure!(ended.status == 1, "{command} ended with {}: {said}", ended.status);
        for part in [address.as_str(), "is taken", "--listen"] {
            ensure!(said.contains(part), "{command} does not say {part}: {said}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn constants_are_not_shown_to_the_network_unless_told() -> Result<()> {
    let home = Home::new()?;
    let ended = run(&home, &["sandbox", "--listen", "0.0.0.0:0"]).await?;
    ensure!(ended.status == 2, "it ended with {}", ended.status);
    ended.failed("would_expose_constants", &["--expose", "--seed random", "127.0.0.1"])?;
    for arguments in [
        &["sandbox", "--seed", "seven"][..],
        &["sandbox", "--lag-scale", "-1"],
        &["sandbox", "--lag-scale", "NaN"],
    ] {
        let ended = run(&home, arguments).await?;
        ensure!(ended.status == 2, "{arguments:?} ended with {}: {:?}", ended.status, ended.said);
    }
    Ok(())
}
