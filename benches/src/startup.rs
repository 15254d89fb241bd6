//! From the start of `attache mcp` to the answers of `initialize` and `tools/list`, and the memory that the
//! process took at most. Beside it, in the same run: a bare server on the same SDK, which is the limit; and
//! the same when the network hangs.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// How often each is started.
const TIMES: usize = 20;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;

/// Median times and the peak of memory of one program.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// To the answer of `initialize`.
    initialize: Duration,
    /// To the answer of `tools/list`.
    tools: Duration,
    /// The most memory that was resident by the answer of `initialize`, in KiB (`VmHWM`).
    peak_at_initialize: u64,
    /// The same by the answer of `tools/list`.
    peak: u64,
}

/// Measures the bare server, `attache mcp` signed out, and the same with a network that hangs.
pub(crate) fn run(attache: &Path, bare: &Path) -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let id = "323626f5-1bfe-48cd-8902-ddfdfd44e1ce";
    let signed_out = |authority: &str| {
        let mut command = Command::new(attache);
        command.args([
            "mcp",
            "--tenant",
            id,
            "--client-id",
            id,
            "--authority",
            authority,
            "--graph",
            authority,
        ]);
        command.env("ATTACHE_HOME", home.path());
        command
    };
    let limit = median(|| Command::new(bare))?;
    show("bare server on the SDK", limit, limit);
    // Nothing listens on the discard port of this machine: connections are refused at once.
    show("attache mcp, signed out", median(|| signed_out("https://127.0.0.1:9"))?, limit);
    let hanging = TcpListener::bind("127.0.0.1:0")?;
    let authority = format!("https://{}", hanging.local_addr()?);
    show("the same, the network hangs", median(|| signed_out(&authority))?, limit);
    Ok(())
}

fn show(what: &str, figures: Figures, limit: Figures) {
    let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
    let ratio = figures.initialize.as_secs_f64() / limit.initialize.as_secs_f64();
    crate::print(format_args!(
        "{what:<32} initialize {:6.2} ms ({ratio:4.2} x bare)  tools/list {:6.2} ms  peak {:4.1} MiB, then {:4.1} MiB",
        millis(figures.initialize),
        millis(figures.tools),
        figures.peak_at_initialize as f64 / 1024.0,
        figures.peak as f64 / 1024.0,
    ));
}

fn median(command: impl Fn() -> Command) -> anyhow::Result<Figures> {
    let mut all = (0..TIMES).map(|_| once(command())).collect::<anyhow::Result<Vec<_>>>()?;
    let mut middle = |key: fn(&Figures) -> Duration| {
        all.sort_by_key(key);
        key(&all[TIMES / 2])
    };
    let (initialize, tools) = (middle(|figures| figures.initialize), middle(|figures| figures.tools));
    let most = |key: fn(&Figures) -> u64| all.iter().map(key).max().unwrap_or(0);
    let (peak_at_initialize, peak) =
        (most(|figures| figures.peak_at_initialize), most(|figures| figures.peak));
    Ok(Figures { initialize, tools, peak_at_initialize, peak })
}

fn once(mut command: Command) -> anyhow::Result<Figures> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
    let figures = talk(&mut child, started);
    let ended = child.wait();
    let figures = figures?;
    ensure!(ended?.success(), "{command:?} failed");
    Ok(figures)
}

fn talk(child: &mut Child, started: Instant) -> anyhow::Result<Figures> {
    let mut stdin = child.stdin.take().context("no standard input")?;
    let mut answers = BufReader::new(child.stdout.take().context("no standard output")?);
    let mut line = String::new();
    writeln!(stdin, "{INITIALIZE}")?;
    answers.read_line(&mut line)?;
    let initialize = started.elapsed();
    let peak_at_initialize = peak_kib(child)?;
    ensure!(line.contains("\"id\":1") && line.contains("serverInfo"), "initialize: {line}");
    let paused = started.elapsed() - initialize;
    writeln!(stdin, "{INITIALIZED}\n{LIST}")?;
    line.clear();
    answers.read_line(&mut line)?;
    let tools = started.elapsed() - paused;
    ensure!(line.contains("\"id\":2") && line.contains("tools"), "tools/list: {line}");
    Ok(Figures { initialize, tools, peak_at_initialize, peak: peak_kib(child)? })
}

fn peak_kib(child: &Child) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(peak.trim().trim_end_matches("kB").trim().parse()?)
}
