//! The examples that start a sandbox elsewhere: the container's Dockerfile, compose and GitHub Actions. There is no
//! Docker here, so what they say is run without: the image's variables with its command, and its health check; the
//! workflow's steps in a shell.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_tests::{DEADLINE, Home, Lines, attache};
use tokio::process::Command;
use tokio::time::timeout;

fn example(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// A Dockerfile's instructions, each in one line, without its comments.
fn instructions(dockerfile: &str) -> Vec<String> {
    let lines = dockerfile.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n").replace("\\\n", "").lines().map(str::to_owned).collect()
}

/// The last instruction of that name.
fn instruction<'a>(all: &'a [String], name: &str) -> Result<&'a str> {
    let found = all.iter().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.with_context(|| format!("no {name}"))
}

/// The words of a command in the form of JSON.
fn words(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text.trim()).with_context(|| text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_starts_as_it_is_written_and_becomes_healthy() -> Result<()> {
    let dockerfile = instructions(&example("container/Dockerfile")?);
    let entry = words(instruction(&dockerfile, "ENTRYPOINT")?)?;
    let (_, check) = instruction(&dockerfile, "HEALTHCHECK")?.split_once("CMD").context("its command")?;
    let (check, command) = (words(check)?, words(instruction(&dockerfile, "CMD")?)?);
    assert_eq!((&entry[..], &check[..1]), (&["attache".to_owned()][..], &["attache".to_owned()][..]));

    let home = Home::new()?;
    let data = home.path().join("data");
    std::fs::create_dir(&data)?;
    let mut variables = Vec::new();
    for pair in instruction(&dockerfile, "ENV")?.split_whitespace() {
        let (name, value) = pair.split_once('=').with_context(|| pair.to_owned())?;
        // The image's folders and its port are not this machine's.
        variables.push((
            name,
            match name {
                "ATTACHE_HOME" => home.attache_home().display().to_string(),
                "ATTACHE_SANDBOX_DATA" => data.display().to_string(),
                "ATTACHE_SANDBOX_LISTEN" => value.replace(":8365", ":0"),
                _ => value.to_owned(),
            },
        ));
    }
    let run = |arguments: &[String]| -> Result<Command> {
        let mut command = home.attache(arguments)?;
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        Ok(command)
    };
    let mut sandbox = Lines::start(run(&command)?, &home.path().join("sandbox-stderr.log"))?;
    let ready = sandbox.hear().await?;
    ensure!(ready["ca"].as_str() == data.join("ca.pem").to_str(), "{ready}");
    let checked = run(&check[1..])?.output().await?;
    ensure!(checked.status.success(), "unhealthy: {}", String::from_utf8_lossy(&checked.stderr));
    ensure!(sandbox.terminate().await?.success(), "it did not end well");
    Ok(())
}

#[test]
fn compose_waits_for_that_image_and_knows_its_names() -> Result<()> {
    let (compose, dockerfile) = (example("compose.yaml")?, instructions(&example("container/Dockerfile")?));
    ensure!(compose.contains("dockerfile: examples/container/Dockerfile"), "{compose}");
    let names = instruction(&dockerfile, "ENV")?;
    ensure!(names.contains("ATTACHE_SANDBOX_SAN=sandbox"), "{names}");
    let url = compose.lines().find_map(|line| line.trim().strip_prefix("ATTACHE_SANDBOX_URL: "));
    ensure!(url == Some("https://sandbox:8365"), "{url:?}");
    // What `attache sandbox env` sets for clients to trust it; they look at one each.
    for bundle in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"] {
        ensure!(compose.contains(&format!("{bundle}: /sandbox/ca.pem")), "{bundle}");
    }
    Ok(())
}

/// What a workflow's job runs, step by step.
fn steps(workflow: &str, job: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut is_block = false;
    let job = workflow.split(&format!("\n  {job}:\n")).nth(1).unwrap_or_default();
    for line in job.lines().take_while(|line| line.is_empty() || line.starts_with("    ")) {
        if let Some(run) = line.trim_start_matches([' ', '-']).strip_prefix("run: ") {
            is_block = run == "|";
            runs.push(if is_block { String::new() } else { format!("{run}\n") });
        } else if is_block
            && line.starts_with("          ")
            && let Some(run) = runs.last_mut()
        {
            run.extend([line.trim(), "\n"]);
        } else {
            is_block = false;
        }
    }
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workflows_steps_start_a_sandbox_and_set_the_environment() -> Result<()> {
    let steps: Vec<_> = steps(&example("github-actions.yaml")?, "several-steps")
        .into_iter()
        .filter(|step| step.starts_with("attache "))
        .collect();
    let [start, log] = &steps[..] else { anyhow::bail!("other steps than known here: {steps:?}") };
    let home = Home::new()?;
    let set = home.path().join("github-env");
    let beside = attache()?.parent().context("its folder")?.display().to_string();
    let path = format!("{beside}:{}", std::env::var("PATH").unwrap_or_default());
    let mut shell = home.program("bash");
    shell
        .args(["-e", "-c", &format!("trap 'kill %1; wait %1' EXIT\n{start}{log}")])
        .env("PATH", path)
        .env("GITHUB_ENV", &set)
        .env("ATTACHE_SANDBOX_LISTEN", "127.0.0.1:0");
    let ended = timeout(DEADLINE, shell.kill_on_drop(true).output()).await.context("it did not end")??;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let set = std::fs::read_to_string(&set)?;
    for name in ["AZURE_AUTHORITY_HOST", "AZURE_CLIENT_SECRET", "NODE_EXTRA_CA_CERTS", "ATTACHE_SANDBOX_URL"]
    {
        ensure!(set.lines().any(|line| line.starts_with(name)), "{name} is not set:\n{set}");
    }
    Ok(())
}
