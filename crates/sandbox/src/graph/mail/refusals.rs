//! Exchange's refusals, in its words (Graph reference §4.3).

use http::StatusCode;

use crate::graph::error::GraphError;

/// 400 with one of Exchange's codes.
pub(super) fn bad(code: &'static str, message: impl Into<String>) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, code, message)
}

/// 404: a message, a folder or an attachment that is not there (any more).
pub(super) fn no_item() -> GraphError {
    GraphError::new(
        StatusCode::NOT_FOUND,
        "ErrorItemNotFound",
        "The specified object was not found in the store.",
    )
}

/// 400: what is no id at all.
pub(super) fn malformed_id() -> GraphError {
    bad("ErrorInvalidIdMalformed", "Id is malformed.")
}

/// 400: the id of another mailbox.
pub(super) fn foreign_id(id: &str) -> GraphError {
    bad("ErrorInvalidMailboxItemId", format!("Item '{id}' doesn't belong to the targeted mailbox."))
}

/// 403: Exchange says no.
pub(super) fn denied() -> GraphError {
    GraphError::new(
        StatusCode::FORBIDDEN,
        "ErrorAccessDenied",
        "Access is denied. Check credentials and try again.",
    )
}

/// 403: no right to send as, or for, that mailbox.
pub(super) fn send_as_denied() -> GraphError {
    GraphError::new(
        StatusCode::FORBIDDEN,
        "ErrorSendAsDenied",
        "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account., Cannot submit message.",
    )
}

/// 400: the body has a property of a wrong kind.
pub(super) fn wrong_value(property: &str) -> GraphError {
    bad(
        "RequestBodyRead",
        format!("The value of the property '{property}' has a wrong type or is not one of its members."),
    )
}

/// 501: Graph has it, and the sandbox does not.
pub(super) fn not_emulated(what: &str) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "sandboxNotEmulated",
        format!("The sandbox does not emulate {what}."),
    )
}
