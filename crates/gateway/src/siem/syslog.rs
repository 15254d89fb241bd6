//! An audit entry as a syslog message (RFC 5424), in frames with their length before them (RFC 6587, section 3.4.1;
//! RFC 5425, section 4.3.1): no entry can end another's message.

use attache_store::EntryRow;

/// Facility 13, "log audit" (RFC 5424, table 1).
const FACILITY: u8 = 13;
/// Severities (table 2).
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;
/// The largest `sequenceId` (section 7.3.1); it begins again after that.
const LARGEST: u64 = 2_147_483_647;

/// The frame of one entry; `line` is the entry in JSON, `host` the gateway's name.
pub(super) fn frame(row: &EntryRow, line: &str, host: &str) -> String {
    let severity = if row.failed { WARNING } else { INFORMATIONAL };
    let priority = FACILITY * 8 + severity;
    // At most six digits of a second are allowed (section 6.2.3).
    let time = format!("{:.6}", row.time);
    let number = row.sequence % LARGEST + 1;
    let message = format!(
        "<{priority}>1 {time} {host} attache-gateway - audit [meta sequenceId=\"{number}\"] {line}",
        host = if host.is_empty() { "-" } else { host },
    );
    format!("{} {message}", message.len())
}

#[cfg(test)]
mod tests {
    use attache_ledger::{EntryId, leaf_hash};

    use super::*;

    #[test]
    fn a_frame_is_what_the_rfc_writes() {
        let id = EntryId::from(uuid::Uuid::nil());
        let row = EntryRow {
            sequence: 41,
            id,
            time: "2026-11-28T13:54:15.4135Z".parse().unwrap(),
            act: "identity.requested".to_owned(),
            failed: true,
            text: None,
            hash: leaf_hash(b""),
        };
        let message = "<108>1 2026-11-28T13:54:15.413500Z gw.example.com attache-gateway - audit \
                       [meta sequenceId=\"42\"] {\"subject\":\"Ä\"}";
        let framed = frame(&row, "{\"subject\":\"Ä\"}", "gw.example.com");
        assert_eq!(framed, format!("{} {message}", message.len()), "the length is in octets");
    }
}
