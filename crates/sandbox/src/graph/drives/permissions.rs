//! The permissions that calls on files need, as Graph's table of permissions has them. An app that
//! asks for `/me` is told so by the handler, as Graph tells it, whatever it may.

use crate::graph::route::Needs;

/// Everything that only reads.
pub(super) const READ: Needs = Needs::split(
    &[
        "Files.Read",
        "Files.Read.All",
        "Files.ReadWrite",
        "Files.ReadWrite.All",
        "Sites.Read.All",
        "Sites.ReadWrite.All",
    ],
    &["Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"],
);

/// Reading one item, which may be a group's.
pub(super) const READ_ITEM: Needs = Needs::split(
    &[
        "Files.Read",
        "Files.Read.All",
        "Files.ReadWrite",
        "Files.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Sites.Read.All",
        "Sites.ReadWrite.All",
    ],
    &[
        "Files.Read.All",
        "Files.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Sites.Read.All",
        "Sites.ReadWrite.All",
    ],
);

/// Everything that writes.
pub(super) const WRITE: Needs = Needs::split(
    &["Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All"],
    &["Files.ReadWrite.All", "Sites.ReadWrite.All"],
);

/// Upload sessions: an app needs more.
pub(super) const UPLOAD: Needs = Needs::split(WRITE.delegated, &["Sites.ReadWrite.All"]);

/// The signed-in user's drive itself.
pub(super) const READ_MY_DRIVE: Needs = Needs::delegated(&[
    "Files.Read",
    "Files.Read.All",
    "Files.ReadWrite",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "User.Read",
]);

/// What others shared.
pub(super) const READ_SHARED: Needs =
    Needs::either(&["Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"]);
