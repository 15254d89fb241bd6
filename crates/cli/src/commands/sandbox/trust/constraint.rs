//! Whether an authority may be installed: it is one certificate, an authority, and its name constraints
//! (RFC 5280 §4.2.1.10) permit names of this machine and of the private networks that `--san` may name, and
//! nothing of Microsoft's.

use std::path::Path;

use x509_parser::extensions::{GeneralName, GeneralSubtree};
use x509_parser::pem::Pem;

use crate::output::Failure;

/// What an authority that a person installs must never vouch for. Others that `--san` names are the person's.
const MICROSOFT: [&str; 14] = [
    "microsoft.com",
    "microsoftonline.com",
    "microsoftonline.us",
    "microsoftonline.cn",
    "windows.net",
    "azure.com",
    "azure.net",
    "office.com",
    "office365.com",
    "live.com",
    "msauth.net",
    "msftauth.net",
    "sharepoint.com",
    "partner.microsoftonline.cn",
];

/// An authority that may be installed.
#[derive(Debug)]
pub(super) struct Authority {
    /// The certificate in PEM.
    pub(super) pem: Vec<u8>,
    /// What it may vouch for.
    pub(super) names: Vec<String>,
}

/// Reads and judges.
pub(super) fn judge(pem: &[u8], path: &Path) -> Result<Authority, Failure> {
    let refused = |why: &str| {
        Failure::usage("authority_refused", format!("{} is not installed: {why}", path.display()))
    };
    let certificates: Vec<Pem> = Pem::iter_from_buffer(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| refused("it holds no certificate in PEM"))?;
    let [certificate] = certificates.as_slice() else {
        return Err(refused(
            "it holds more than one authority; only authority.pem, the one for loopback names, may be",
        ));
    };
    let certificate = certificate.parse_x509().map_err(|_| refused("it holds no certificate in PEM"))?;
    if !certificate.is_ca() {
        return Err(refused("its certificate is no authority's"));
    }
    let Ok(Some(constraints)) = certificate.name_constraints() else {
        return Err(refused("nothing keeps it from vouching for every name there is"));
    };
    let permitted = constraints.value.permitted_subtrees.as_deref().unwrap_or_default();
    // A kind of name that is not constrained at all is permitted as a whole.
    let has = |kind: fn(&GeneralName<'_>) -> bool| permitted.iter().any(|tree| kind(&tree.base));
    let both = has(|name| matches!(name, GeneralName::DNSName(_)))
        && has(|name| matches!(name, GeneralName::IPAddress(_)));
    if !constraints.critical || !both {
        return Err(refused("its constraints do not bind every kind of name"));
    }
    if let Some(name) = permitted.iter().find_map(covers_microsoft) {
        return Err(refused(&format!("it may vouch for {name}, which is Microsoft's")));
    }
    Ok(Authority { pem: pem.to_vec(), names: permitted.iter().map(shown).collect() })
}

/// A constraint covers everything below its name, and ours must touch no name of Microsoft's in either way.
fn covers_microsoft(tree: &GeneralSubtree<'_>) -> Option<String> {
    let GeneralName::DNSName(name) = &tree.base else { return None };
    let below = |lower: &str, upper: &str| format!(".{lower}").ends_with(&format!(".{upper}"));
    let name = name.trim_start_matches('.').to_ascii_lowercase();
    let touches = name.is_empty() || MICROSOFT.iter().any(|its| below(&name, its) || below(its, &name));
    touches.then(|| if name.is_empty() { "every name".to_owned() } else { name })
}

fn shown(tree: &GeneralSubtree<'_>) -> String {
    match &tree.base {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) if bytes.len() == 8 => {
            bytes[..4].iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
        }
        GeneralName::IPAddress(bytes) if bytes.len() == 32 => {
            let mut address = [0; 16];
            address.copy_from_slice(&bytes[..16]);
            std::net::Ipv6Addr::from(address).to_string()
        }
        other => other.to_string(),
    }
}
