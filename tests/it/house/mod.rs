//! The rules of the house, held by what is written down: cargo's own view of the workspace, the manifests,
//! the sources and the papers. ARCHITECTURE.md says why each rule is there.

mod papers;
mod rooms;
mod sources;
mod workspace;
