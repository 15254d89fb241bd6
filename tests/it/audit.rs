//! `attache audit` with a file that a gateway exported.

use std::path::Path;
use std::process::Output;

use anyhow::Result;
use attache_tests::Home;

/// Seven entries, of which two are left out and one was erased, as the ledger's own tests make it.
const EXPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/ledger/tests/corpus/export-whole");

async fn audit(home: &Home, arguments: &[&str], file: &Path) -> Result<(bool, String)> {
    let mut command = home.attache(["audit"])?;
    let Output { status, stdout, stderr } = command.args(arguments).arg(file).output().await?;
    Ok((status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()))
}

#[tokio::test]
async fn an_export_is_verified_and_shown_with_what_it_lacks() -> Result<()> {
    let home = Home::new()?;
    let (fine, said) = audit(&home, &["verify"], Path::new(EXPORT)).await?;
    assert!(fine && said.contains("verifies") && said.contains("missing      2 entries"), "{said}");
    assert!(said.contains("those from 2 up to, not including, 4"), "{said}");
    assert!(said.contains("No entry in the file says that 2 of them were removed"), "{said}");

    let (fine, said) = audit(&home, &["show"], Path::new(EXPORT)).await?;
    assert!(fine && said.contains("entries 2 to 3 are not in this file"), "{said}");
    assert!(said.contains("done     suspend_identity  by person ada@example.com"), "{said}");

    let (fine, said) = audit(&home, &["show", "--json"], Path::new(EXPORT)).await?;
    let lines: Vec<serde_json::Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert!(fine && lines.len() == 5, "{said}");
    assert_eq!(lines[1]["actor"]["by"]["id"], serde_json::Value::Null, "it was erased");
    Ok(())
}

#[tokio::test]
async fn the_first_bad_entry_is_named_by_number_id_and_place() -> Result<()> {
    let home = Home::new()?;
    let file = home.path().join("export");
    let text = std::fs::read_to_string(EXPORT)?;
    let place = text.find("entry\t{\"v\":2,\"seq\":5,").unwrap_or_default();
    let id = text[place..].split('"').nth(7).unwrap_or_default().to_owned();
    std::fs::write(&file, [&text[..place], &text[place..].replacen("suspend", "resume_", 1)].concat())?;
    let (fine, said) = audit(&home, &["verify"], &file).await?;
    assert!(
        !fine && said.contains(&format!("entry 5 (id {id}, byte {place}): its bytes do not have")),
        "{said}"
    );
    Ok(())
}
