//! A private PostgreSQL cluster: started on a free port of this machine, and ended with whoever started it, even
//! by a panic or a kill. Its default order of text is a language's, so that nothing sorts by bytes by accident.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, mpsc};

use anyhow::{Context, Result, bail, ensure};

/// Who owns the databases, as a gateway's role would: no superuser.
const ROLE: &str = "gateway";
const PASSWORD: &str = "correct horse";

/// What the server keeps of the password, after one round of hashing instead of 4,096: a client that is not
/// optimised would spend more time on those than on all else.
const SECRET: &str = "SCRAM-SHA-256$1:YXR0YWNoZSB0ZXN0cyAxNg==$tpfuKVLeVOIaaO6XA11I3L/4MVCvU16MaCrFqW9NPuA=:\
                      u4CRxdJUUow2SqOO8Nr0geDKgbHWjyAeg6TKObdbATM=";

/// Runs the server until its standard input says how to stop; closed, it says at once, and the data go too.
const KEEPER: &str = r#"
folder=$1; shift
"$@" & server=$!
read -r how
if [ "$how" = restart ]; then kill -INT $server; wait $server; exit; fi
kill -QUIT $server; wait $server; rm -rf "$folder"
"#;

/// What tests use: nothing outlives them, so nothing is synced.
const QUICK: &[&str] = &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"];

/// A cluster.
pub struct Cluster {
    installation: Installation,
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    keeper: Mutex<Option<Child>>,
    databases: AtomicU32,
}

impl Cluster {
    /// The one of this process.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = STARTING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(shared) = SHARED.get() {
            return Ok(shared);
        }
        let started = Self::quick()?;
        Ok(SHARED.get_or_init(|| started))
    }

    /// A new one that syncs nothing.
    pub fn quick() -> Result<Self> {
        Self::start_in(&std::env::temp_dir(), QUICK)
    }

    /// A new one that keeps its promises, in a folder on the disk that is meant.
    pub fn durable(folder: &Path) -> Result<Self> {
        Self::start_in(folder, &[])
    }

    /// A new one with this certificate, and encrypted connections only.
    pub fn encrypted(certificate: &str, key: &str) -> Result<Self> {
        let mut cluster = Self::unstarted(&std::env::temp_dir(), QUICK)?;
        let rules = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        for (setting, file, text) in [
            ("ssl_cert_file", "server.pem", certificate),
            ("ssl_key_file", "server.key", key),
            ("hba_file", "rules", rules),
        ] {
            let file = cluster.folder.join(file);
            cluster.installation.write(&file, text)?;
            cluster.settings.push(format!("{setting}={}", file.display()));
        }
        cluster.settings.push("ssl=on".into());
        cluster.start()?;
        Ok(cluster)
    }

    fn start_in(folder: &Path, settings: &[&str]) -> Result<Self> {
        let cluster = Self::unstarted(folder, settings)?;
        cluster.start()?;
        Ok(cluster)
    }

    fn unstarted(parent: &Path, settings: &[&str]) -> Result<Self> {
        let installation = Installation::find()?;
        let template = installation.template()?;
        let folder = installation.folder(parent)?;
        installation.run(Command::new("cp").arg("-R").arg(&template).arg(folder.join("data")))?;
        let port = crate::own_port();
        let settings = settings.iter().map(ToString::to_string).collect();
        let (keeper, databases) = (Mutex::new(None), AtomicU32::new(0));
        Ok(Self { installation, folder, port, settings, keeper, databases })
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// An empty database; its address.
    pub fn database(&self) -> Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("database{number}");
        // The first is there already: most processes run one test, which needs one.
        if number > 0 {
            self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {ROLE}"))?;
        }
        Ok(self.address(&name, self.port))
    }

    /// The address of a database, as it is reached through this port.
    pub fn address(&self, database: &str, port: u16) -> String {
        format!("postgres://{ROLE}:{}@127.0.0.1:{port}/{database}", PASSWORD.replace(' ', "%20"))
    }

    /// Runs statements as the superuser; what they answer, one row a line.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        let mut psql = Command::new(self.installation.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"]);
        psql.args(["-p", &self.port.to_string(), "-d", database, "-c", statements]);
        self.installation.run(psql.env("PGPASSWORD", PASSWORD))
    }

    /// Starts it, and waits until it takes connections.
    pub fn start(&self) -> Result<()> {
        let data = self.folder.join("data");
        let mut command = self.installation.command("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&self.folder);
        command.arg(self.installation.programs.join("postgres")).arg("-D").arg(&data);
        command.args(["-p", &self.port.to_string()]);
        let own = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "lc_messages=C",
            "max_connections=200",
        ];
        for setting in own.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        // In a group of its own: a test that is killed with its group still has its server ended.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut keeper = command.spawn().context("starting PostgreSQL")?;
        let log = keeper.stderr.take().context("PostgreSQL's log")?;
        until_ready(log)?;
        *self.keeper() = Some(keeper);
        Ok(())
    }

    /// Stops it as an operator does: connections are ended, and everything committed is kept.
    pub fn stop(&self) -> Result<()> {
        let Some(mut keeper) = self.keeper().take() else { return Ok(()) };
        let mut orders = keeper.stdin.take().context("PostgreSQL's keeper")?;
        orders.write_all(b"restart\n")?;
        keeper.wait()?;
        Ok(())
    }

    fn keeper(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.keeper.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        match self.keeper().take() {
            Some(mut keeper) => {
                drop(keeper.stdin.take());
                let _ended = keeper.wait();
            }
            None => drop(std::fs::remove_dir_all(&self.folder)),
        }
    }
}

/// Reads the log until the server says that it is ready, and then on, so that it never waits for a reader.
fn until_ready(log: impl Read + Send + 'static) -> Result<()> {
    let (said, hear) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // Nobody listens once it is ready.
            let _ = said.send(line);
        }
    });
    let mut lines = Vec::new();
    for line in hear {
        if line.contains("database system is ready to accept connections") {
            return Ok(());
        }
        lines.push(line);
    }
    bail!("PostgreSQL did not start:\n{}", lines.join("\n"))
}

/// The server's programs, and who runs them: PostgreSQL refuses to be run by root.
struct Installation {
    programs: PathBuf,
    owner: u32,
    account: Option<(u32, u32)>,
}

impl Installation {
    fn find() -> Result<Self> {
        let programs = match std::env::var_os("ATTACHE_TEST_POSTGRES") {
            Some(folder) => PathBuf::from(folder),
            None => newest(Path::new("/usr/lib/postgresql")).unwrap_or_default(),
        };
        ensure!(
            programs.join("initdb").is_file() && programs.join("psql").is_file(),
            "PostgreSQL's server is missing; `cargo xtask test install` installs it"
        );
        let mine = tempfile::tempdir()?.path().metadata()?.uid();
        let account = if mine == 0 { Some(account("postgres")?) } else { None };
        Ok(Self { programs, owner: account.map_or(mine, |(user, _)| user), account })
    }

    /// A program, run by the right account.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        self.become_owner(&mut command);
        command
    }

    fn become_owner(&self, command: &mut Command) {
        // psql would look for certificates of whoever runs the tests.
        command.current_dir("/").env("HOME", "/");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
    }

    /// Runs a program to its end; what it wrote.
    fn run(&self, command: &mut Command) -> Result<String> {
        self.become_owner(command);
        let output = command.stdin(Stdio::null()).output().with_context(|| format!("running {command:?}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{:?}: {said}", command.get_program());
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// A new folder of the account's.
    fn folder(&self, parent: &Path) -> Result<PathBuf> {
        let folder = tempfile::Builder::new().prefix("attache-postgres-").tempdir_in(parent)?.keep();
        if let Some((user, group)) = self.account {
            chown(&folder, Some(user), Some(group))?;
        }
        Ok(folder)
    }

    /// A file of the account's that nobody else reads.
    fn write(&self, file: &Path, text: &str) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut open = std::fs::OpenOptions::new();
        open.write(true).create_new(true).mode(0o600).open(file)?.write_all(text.as_bytes())?;
        if let Some((user, group)) = self.account {
            chown(file, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// An empty cluster to copy: made once for each account and version, since making one takes a second.
    fn template(&self) -> Result<PathBuf> {
        let version = self.run(Command::new(self.programs.join("postgres")).arg("--version"))?;
        let version = version.split_whitespace().nth(2).context("PostgreSQL's version")?;
        let template = std::env::temp_dir().join(format!("attache-postgres-{version}-of-{}", self.owner));
        if let Ok(found) = template.metadata() {
            ensure!(found.uid() == self.owner, "{} is not ours", template.display());
            return Ok(template);
        }
        let folder = self.folder(&std::env::temp_dir())?;
        let (data, password) = (folder.join("data"), folder.join("password"));
        self.write(&password, PASSWORD)?;
        let mut initdb = Command::new(self.programs.join("initdb"));
        initdb.args([
            "--username=postgres",
            "--auth=scram-sha-256",
            "--no-sync",
            "--wal-segsize=1",
            "--encoding=UTF8",
        ]);
        initdb.args([
            "--locale=C",
            "--locale-provider=icu",
            "--icu-locale=en",
            "--no-instructions",
            "--pgdata",
        ]);
        self.run(initdb.arg(&data).arg("--pwfile").arg(&password))?;
        let statements = format!(
            "CREATE ROLE {ROLE} LOGIN PASSWORD '{SECRET}'\n\
             UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'\n\
             DROP DATABASE template0\n\
             CREATE DATABASE database0 OWNER {ROLE}\n"
        );
        let mut single = self.command(self.programs.join("postgres"));
        single.arg("--single").arg("-D").arg(&data).arg("postgres");
        let mut single = single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        single.stdin.take().context("PostgreSQL's input")?.write_all(statements.as_bytes())?;
        ensure!(single.wait()?.success(), "PostgreSQL did not make the role {ROLE} and its database");
        // Another process may have been quicker.
        if std::fs::rename(&data, &template).is_err() {
            ensure!(template.exists(), "cannot make {}", template.display());
        }
        std::fs::remove_dir_all(&folder)?;
        Ok(template)
    }
}

/// The programs of the newest version that Debian has installed.
fn newest(versions: &Path) -> Option<PathBuf> {
    let version = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let newest = versions.read_dir().ok()?.filter_map(Result::ok).filter_map(version).max()?;
    Some(versions.join(newest.to_string()).join("bin"))
}

/// The numbers of a user and its group.
fn account(name: &str) -> Result<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let line = accounts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let mut fields = line.with_context(|| format!("there is no user {name}"))?.split(':').skip(1);
    let mut number = || fields.next().and_then(|field| field.parse().ok()).context("/etc/passwd is damaged");
    Ok((number()?, number()?))
}
