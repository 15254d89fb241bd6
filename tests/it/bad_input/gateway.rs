//! A gateway's configuration that cannot be read, and its database put elsewhere and back.

use anyhow::{Context, Result, ensure};
use attache_tests::{Gateway, Home};

use super::run;

#[tokio::test]
async fn a_gateway_whose_file_cannot_be_read_whole_touches_no_database() -> Result<()> {
    let home = Home::new()?;
    std::fs::create_dir_all(home.attache_home())?;
    let elsewhere = home.path().join("elsewhere.db");
    for (text, says) in [
        ("database = \"/srv/gateway.db\"\nlisten = ", "is not TOML"),
        ("databse = \"/srv/gateway.db\"\n", "databse"),
    ] {
        std::fs::write(home.attache_home().join("gateway.toml"), text)?;
        let copy = elsewhere.display().to_string();
        for command in
            [&["gateway", "backup", &copy][..], &["gateway", "restore", &copy], &["gateway", "--sandbox"]]
        {
            let ended = run(&home, command).await?;
            ended.failed("configuration", &[says]).with_context(|| format!("{command:?}"))?;
            ensure!(ended.status == 2, "{command:?} ended with {}", ended.status);
        }
        ensure!(!home.attache_home().join("gateway").exists() && !elsewhere.exists(), "something was begun");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_copied_while_the_gateway_runs_and_put_back_only_while_it_does_not() -> Result<()> {
    let gateway = Gateway::start().await?;
    let copy = gateway.home().path().join("copy.db").display().to_string();
    run(gateway.home(), &["gateway", "backup", &copy]).await?.succeeded()?;
    run(gateway.home(), &["gateway", "restore", &copy]).await?.failed("store_in_use", &["in use"])?;
    let (home, _) = gateway.end().await?;
    let restored = run(&home, &["gateway", "restore", &copy]).await?;
    restored.succeeded()?;
    let before = restored.said[0]["before"].as_str().context("what was there is kept")?;
    ensure!(std::path::Path::new(before).is_file(), "{before} is not there");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_gateway_is_ready_is_told_by_the_status() -> Result<()> {
    let gateway = Gateway::start().await?;
    let listen = gateway.ready()["listen"].as_str().context("where it listens")?.to_owned();
    let ask = ["gateway", "ready", "--listen", &listen];
    run(gateway.home(), &ask).await?.succeeded()?;
    let (home, _) = gateway.end().await?;
    run(&home, &ask).await?.failed("not_ready", &["/readyz"])
}
