//! The sealed file on a real disk: modes, passphrases, key files, several processes, kills.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use attache_keys::{SealedFile, SealingKey, SecretName, SecretStore, StoreError};
use attache_terms::{Secret, SecretBytes, SystemRng};
use tempfile::TempDir;

const CHILD: &str = "ATTACHE_TEST_SEALED_FILE";

fn with_key_file(folder: &Path) -> SealedFile {
    let key = SealingKey::KeyFile(folder.join("secrets.key"));
    SealedFile::new(folder.join("secrets.sealed"), key, Arc::new(SystemRng))
}

fn with_passphrase(folder: &Path, passphrase: &str) -> SealedFile {
    let key = SealingKey::Passphrase(Secret::new(passphrase.to_owned()));
    SealedFile::new(folder.join("secrets.sealed"), key, Arc::new(SystemRng))
}

fn name(purpose: &'static str) -> SecretName {
    SecretName::new("default", purpose)
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

async fn text(store: &SealedFile, purpose: &'static str) -> Option<String> {
    let kept = store.get(&name(purpose)).await.unwrap();
    kept.map(|kept| String::from_utf8(kept.expose().to_vec()).unwrap())
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_put_is_found_by_the_next_process_and_only_its_owner_may_read_it() {
    let folder = TempDir::new().unwrap();
    let home = folder.path().join("profile");
    let store = with_key_file(&home);
    assert_eq!(text(&store, "refresh-token").await, None);
    assert!(!home.exists(), "reading makes nothing");

    store.put(&name("refresh-token"), &secret("first")).await.unwrap();
    store.put(&name("client-secret"), &secret("other")).await.unwrap();
    store.put(&name("refresh-token"), &secret("second")).await.unwrap();

    let again = with_key_file(&home);
    assert_eq!(text(&again, "refresh-token").await.as_deref(), Some("second"));
    assert_eq!(text(&again, "client-secret").await.as_deref(), Some("other"));
    assert_eq!(mode(&home), 0o700);
    for file in ["secrets.sealed", "secrets.key"] {
        assert_eq!(mode(home.join(file)), 0o600, "{file}");
    }
    let bytes = fs::read(home.join("secrets.sealed")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("second"));

    again.delete(&name("refresh-token")).await.unwrap();
    again.delete(&name("refresh-token")).await.unwrap();
    assert_eq!(text(&store, "refresh-token").await, None);
    assert_eq!(text(&store, "client-secret").await.as_deref(), Some("other"));
}

#[tokio::test]
async fn a_passphrase_opens_it_and_another_does_not() {
    let folder = TempDir::new().unwrap();
    let store = with_passphrase(folder.path(), "correct horse");
    store.put(&name("refresh-token"), &secret("kept")).await.unwrap();
    assert_eq!(
        text(&with_passphrase(folder.path(), "correct horse"), "refresh-token").await.as_deref(),
        Some("kept")
    );

    let wrong = with_passphrase(folder.path(), "battery staple");
    for error in [
        wrong.get(&name("refresh-token")).await.map(|_| ()),
        wrong.put(&name("refresh-token"), &secret("overwritten")).await,
        with_key_file(folder.path()).get(&name("refresh-token")).await.map(|_| ()),
    ] {
        assert!(matches!(error, Err(StoreError::Locked { .. })), "{error:?}");
    }
    assert_eq!(text(&store, "refresh-token").await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_key_file_that_is_gone_foreign_or_open_to_others_locks_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    with_key_file(folder.path()).put(&name("refresh-token"), &secret("kept")).await.unwrap();
    let why = || async {
        match with_key_file(folder.path()).get(&name("refresh-token")).await.map(|_| ()) {
            Err(StoreError::Locked { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(why().await.contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    let key = fs::read(&path).unwrap();
    fs::write(&path, "not a key").unwrap();
    assert!(why().await.contains("holds no key"));
    fs::write(&path, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    assert!(why().await.contains("not the one"));
    fs::remove_file(&path).unwrap();
    assert!(why().await.contains("missing"));
    let put = with_key_file(folder.path()).put(&name("refresh-token"), &secret("lost")).await;
    assert!(put.is_err() && !path.exists(), "no new key is made for a file that another key sealed");

    fs::write(&path, key).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(text(&with_key_file(folder.path()), "refresh-token").await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_damaged_or_newer_file_is_neither_read_nor_overwritten() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.sealed");
    let store = with_key_file(folder.path());
    store.put(&name("refresh-token"), &secret("kept")).await.unwrap();
    let whole = fs::read(&path).unwrap();

    let mut altered = whole.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let newer = b"{\"attache_sealed_file\":7}\nanything\n".to_vec();
    for bytes in [altered, whole[..middle].to_vec(), Vec::new(), newer] {
        fs::write(&path, &bytes).unwrap();
        let error = store.put(&name("refresh-token"), &secret("lost")).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Damaged { .. } | StoreError::Newer { version: 7, .. }),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes, "it stays as it is for whoever can repair it");
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(text(&store, "refresh-token").await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn what_a_killed_writer_left_is_swept_away_and_never_followed() {
    let folder = TempDir::new().unwrap();
    let store = with_key_file(folder.path());
    store.put(&name("refresh-token"), &secret("first")).await.unwrap();

    let left = folder.path().join("secrets.sealed.new");
    fs::write(&left, "half a file").unwrap();
    fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
    store.put(&name("refresh-token"), &secret("second")).await.unwrap();
    assert_eq!(text(&store, "refresh-token").await.as_deref(), Some("second"));
    assert_eq!(mode(folder.path().join("secrets.sealed")), 0o600);

    let victim = folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, &left).unwrap();
    store.put(&name("refresh-token"), &secret("third")).await.unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert_eq!(text(&store, "refresh-token").await.as_deref(), Some("third"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_the_disks_fault() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = with_key_file(&file).put(&name("refresh-token"), &secret("lost")).await.unwrap_err();
    assert!(matches!(error, StoreError::Disk { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_begin_at_once_agree_on_the_first_secret() {
    let folder = TempDir::new().unwrap();
    let begin = |text: &'static str| {
        let store = with_key_file(folder.path());
        tokio::spawn(async move {
            store.get_or_put(&name("blueprint-key"), &secret(text)).await.unwrap().expose().to_vec()
        })
    };
    let (one, two) = (begin("one"), begin("two"));
    assert_eq!(one.await.unwrap(), two.await.unwrap());
}

/// Runs the test binary again as a process of its own; it does [`child`].
fn spawn(folder: &Path, purpose: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sealed_file::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}\n{purpose}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what [`spawn`] runs. It puts ever higher numbers and says so after each.
#[tokio::test]
async fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (folder, purpose) = task.split_once('\n').unwrap();
    let purpose = if purpose == "left" { "left" } else { "right" };
    let store = with_key_file(&PathBuf::from(folder));
    for number in 1..=if purpose == "left" { u32::MAX } else { 25 } {
        store.put(&name(purpose), &secret(&number.to_string())).await.unwrap();
        println!("kept {number}");
    }
}

/// The numbers that a child says it has kept.
fn acknowledged(child: &mut Child) -> impl Iterator<Item = u32> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.rsplit_once("kept ")?.1.parse().ok())
}

#[tokio::test]
async fn processes_do_not_lose_each_others_secrets_and_a_kill_loses_nothing_acknowledged() {
    let folder = TempDir::new().unwrap();
    let mut left = spawn(folder.path(), "left");
    let mut right = spawn(folder.path(), "right");
    let last = acknowledged(&mut left).take(25).last().unwrap();
    left.kill().unwrap();
    left.wait().unwrap();
    assert_eq!(acknowledged(&mut right).last(), Some(25));
    assert!(right.wait().unwrap().success());

    let store = with_key_file(folder.path());
    let kept: u32 = text(&store, "left").await.unwrap().parse().unwrap();
    assert!(kept >= last, "{kept} is older than {last}, which was acknowledged");
    assert_eq!(text(&store, "right").await.as_deref(), Some("25"));
    store.put(&name("left"), &secret("after")).await.unwrap();
    assert_eq!(text(&store, "left").await.as_deref(), Some("after"));
}

#[tokio::test]
async fn what_root_writes_stays_the_owners_whose_folder_it_is() {
    let folder = TempDir::new().unwrap();
    let home = folder.path().join("profile");
    fs::create_dir(&home).unwrap();
    let somebody = 65_534;
    if chown(&home, Some(somebody), Some(somebody)).is_err() {
        // Only root can give a file away, and so be a danger to its owner.
        return;
    }
    let store = with_key_file(&home);
    store.put(&name("master-key"), &secret("first")).await.unwrap();
    store.put(&name("master-key"), &secret("second")).await.unwrap();
    let made: Vec<_> = fs::read_dir(&home).unwrap().map(|made| made.unwrap()).collect();
    assert!(made.len() >= 3, "{made:?}");
    for file in made {
        assert_eq!(file.metadata().unwrap().uid(), somebody, "{file:?}");
    }
}
